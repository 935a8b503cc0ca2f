// A load of clicks: a closed loop, or at a fixed rate.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"
)

const responseTimeout = 10 * time.Second

type load struct {
	Port        int     `json:"port"`
	Connections int     `json:"connections"`
	Seconds     float64 `json:"seconds"`
	Rate        float64 `json:"rate"`
}

// The outcome of a load in which every click was redirected. Latencies count from when a click was
// due. Times are in seconds.
type result struct {
	Clicks     int     `json:"clicks"`
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"`
	P99        float64 `json:"p99"`
}

type run struct {
	load
	cycle *clickCycle
	start time.Time

	mutex     sync.Mutex // guards what follows
	sent      int
	latencies []float64
	failure   error
}

func (l load) run(cycle *clickCycle) (result, error) {
	connections, err := l.connect()
	if err != nil {
		return result{}, err
	}
	defer func() {
		for _, connection := range connections {
			connection.Close()
		}
	}()
	run := run{load: l, cycle: cycle, start: time.Now()}
	cpu := cpuSeconds()
	var group sync.WaitGroup
	for _, connection := range connections {
		group.Go(func() { run.clickOn(connection) })
	}
	group.Wait()
	if run.failure != nil {
		return result{}, run.failure
	}
	slices.Sort(run.latencies)
	return result{
		Clicks:     len(run.latencies),
		Seconds:    run.seconds(),
		CPUSeconds: cpuSeconds() - cpu,
		P99:        percentile(run.latencies, 0.99),
	}, nil
}

func (l load) connect() ([]net.Conn, error) {
	connections := make([]net.Conn, l.Connections)
	for number := range connections {
		var err error
		if connections[number], err = net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", l.Port)); err != nil {
			return nil, err
		}
	}
	return connections, nil
}

// Clicks one after the other until the load is over.
func (r *run) clickOn(connection net.Conn) {
	buffer := make([]byte, 0, 64*1024)
	for {
		next, due, ok := r.take()
		if !ok {
			return
		}
		time.Sleep(time.Duration((due - r.seconds()) * float64(time.Second)))
		if err := next.send(connection, buffer); err != nil {
			r.fail(err)
			return
		}
		r.finish(r.seconds() - due)
	}
}

// Returns the next click and when it is due, in seconds since the start.
func (r *run) take() (click, float64, bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	due := r.seconds()
	if r.Rate > 0 {
		due = float64(r.sent) / r.Rate
	}
	if due >= r.Seconds || r.failure != nil {
		return click{}, 0, false
	}
	r.sent++
	return r.cycle.take(), due, true
}

func (r *run) finish(latency float64) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.latencies = append(r.latencies, latency)
}

func (r *run) fail(err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.failure = errors.Join(r.failure, err)
}

func (r *run) seconds() float64 { return time.Since(r.start).Seconds() }

// Sends a click, and checks its response, which has no body.
func (c click) send(connection net.Conn, buffer []byte) error {
	if err := connection.SetDeadline(time.Now().Add(responseTimeout)); err != nil {
		return err
	}
	if _, err := connection.Write(c.request); err != nil {
		return err
	}
	response := buffer[:0]
	for !bytes.HasSuffix(response, []byte("\r\n\r\n")) {
		if len(response) == cap(response) {
			return fmt.Errorf("unexpected response: %.400q", response)
		}
		count, err := connection.Read(response[len(response):cap(response)])
		if err != nil {
			return err
		}
		response = response[:len(response)+count]
	}
	if !bytes.HasPrefix(response, []byte("HTTP/1.1 302 ")) || !bytes.Contains(response, c.expected) {
		return fmt.Errorf("unexpected response: %.400q", response)
	}
	return nil
}

func percentile(sorted []float64, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

// Returns the CPU time of this process, in user and in kernel mode.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}
