// Converts times and lists to and from the wire.

package hushpost

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// toTimestamp converts a time; the zero time is unset on the wire.
func toTimestamp(at time.Time) *timestamppb.Timestamp {
	if at.IsZero() {
		return nil
	}
	return timestamppb.New(at)
}

// fromTimestamp converts a time to UTC; the zero time if it is unset.
func fromTimestamp(message *timestamppb.Timestamp) time.Time {
	if message == nil {
		return time.Time{}
	}
	return message.AsTime()
}

// each converts the items of a list. An empty list becomes nil.
func each[From, To any](items []From, convert func(From) To) []To {
	if len(items) == 0 {
		return nil
	}
	converted := make([]To, len(items))
	for i, item := range items {
		converted[i] = convert(item)
	}
	return converted
}
