// Messages as bytes: reads them, passes them through gRPC, and gives each a request id.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"

	"google.golang.org/grpc/mem"
)

// Passes messages through: requests as parts, which need not be copied together, and
// responses as bytes.
type rawCodec struct{}

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) { return v.(mem.BufferSlice), nil }

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

func (rawCodec) Name() string { return "proto" }

func readMessages(input io.Reader) ([]mem.Buffer, error) {
	reader := bufio.NewReaderSize(input, 1<<20)
	var messages []mem.Buffer
	for {
		var length uint32
		err := binary.Read(reader, binary.BigEndian, &length)
		if err == io.EOF {
			return messages, nil
		}
		if err != nil {
			return nil, err
		}
		message := make([]byte, length)
		if _, err := io.ReadFull(reader, message); err != nil {
			return nil, err
		}
		messages = append(messages, mem.SliceBuffer(message))
	}
}

// Returns a serialized message whose only field is a string: a random UUID, version 4. The
// concatenation of two serialized messages is their merge.
func newRequestID(field int) mem.Buffer {
	high := rand.Uint64()&^uint64(0xf000) | 0x4000
	low := rand.Uint64()>>2 | 1<<63
	text := fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", high>>32, high>>16&0xffff, high&0xffff, low>>48, low&(1<<48-1))
	encoded := binary.AppendUvarint(nil, uint64(field)<<3|2)
	encoded = binary.AppendUvarint(encoded, uint64(len(text)))
	return mem.SliceBuffer(append(encoded, text...))
}
