// Closed and open loops of calls, and the report about them.
package main

import (
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Bounds the memory of an open loop.
const maxInFlight = 20_000

// What the calls of a loop amount to. Times are in seconds since the start; in an open loop, a
// call that is sent late keeps the time at which it was due.
type report struct {
	Seconds        float64               `json:"seconds"`         // until the last call ended
	SendingSeconds float64               `json:"sending_seconds"` // until the last call was sent
	CPUSeconds     float64               `json:"cpu_seconds"`     // of this process
	Unexpected     int64                 `json:"unexpected"`      // successful calls with another response
	Errors         map[codes.Code]string `json:"errors"`          // an example of each error
	Due            []float64             `json:"due"`             // per call
	Completed      []float64             `json:"completed"`       // per call
	Statuses       []codes.Code          `json:"statuses"`        // per call
}

type loop struct {
	sender     *sender
	start      time.Time
	cpuAtStart float64
	unexpected atomic.Int64
	errors     sync.Map
	report     report
}

func newLoop(sender *sender, calls int) *loop {
	return &loop{
		sender:     sender,
		start:      time.Now(),
		cpuAtStart: cpuSeconds(),
		report: report{
			Errors:    map[codes.Code]string{},
			Due:       make([]float64, calls),
			Completed: make([]float64, calls),
			Statuses:  make([]codes.Code, calls),
		},
	}
}

// Sends all calls; each caller sends its next one after a response.
func (l *loop) runCallers(callers int) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for number := int(next.Add(1) - 1); number < len(l.report.Due); number = int(next.Add(1) - 1) {
				l.call(number, l.seconds())
			}
		})
	}
	group.Wait()
	l.report.SendingSeconds = l.report.Due[len(l.report.Due)-1]
}

// Sends all calls at fixed intervals, and waits for the last one to end.
func (l *loop) runAtRate(rate float64) {
	inFlight := make(chan struct{}, maxInFlight)
	var group sync.WaitGroup
	for number := range l.report.Due {
		due := float64(number) / rate
		time.Sleep(time.Duration((due - l.seconds()) * float64(time.Second)))
		inFlight <- struct{}{}
		group.Go(func() {
			l.call(number, due)
			<-inFlight
		})
	}
	l.report.SendingSeconds = l.seconds()
	group.Wait()
}

func (l *loop) call(number int, due float64) {
	isExpected, err := l.sender.send(number)
	l.report.Due[number] = due
	l.report.Completed[number] = l.seconds()
	if err != nil {
		code := status.Code(err)
		l.report.Statuses[number] = code
		l.errors.LoadOrStore(code, err.Error())
	} else if !isExpected {
		l.unexpected.Add(1)
	}
}

func (l *loop) finish() report {
	l.report.Seconds = l.seconds()
	l.report.CPUSeconds = cpuSeconds() - l.cpuAtStart
	l.report.Unexpected = l.unexpected.Load()
	l.errors.Range(func(code, example any) bool {
		l.report.Errors[code.(codes.Code)] = example.(string)
		return true
	})
	return l.report
}

func (l *loop) seconds() float64 { return time.Since(l.start).Seconds() }

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // only wrong arguments fail
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}
