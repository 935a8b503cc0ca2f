// A gRPC server that fails as often as a test wants, and remembers what it was sent.

package hushpost

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "hushpost/clients/go/hushpostv1"
)

// A failingServer fails calls with the next of its failures; the calls after them succeed.
type failingServer struct {
	pb.UnimplementedTrackingServiceServer
	pb.UnimplementedStatsServiceServer
	pb.UnimplementedAdminServiceServer
	pb.UnimplementedDomainServiceServer

	target string

	mutex          sync.Mutex
	failures       []error
	requestIDs     []string
	authorizations []string
	reads          int
	streams        [][]*pb.CampaignStats
	cursors        []string
}

// start serves on a free port of this machine until the test ends.
func start(t *testing.T, failures []error, options ...grpc.ServerOption) *failingServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	failing := &failingServer{target: listener.Addr().String(), failures: failures}
	server := grpc.NewServer(options...)
	pb.RegisterTrackingServiceServer(server, failing)
	pb.RegisterStatsServiceServer(server, failing)
	pb.RegisterAdminServiceServer(server, failing)
	pb.RegisterDomainServiceServer(server, failing)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return failing
}

// client returns a client of the server which, instead of sleeping, appends the duration to a list.
func (s *failingServer) client(t *testing.T, options ...Option) (*Client, *[]time.Duration) {
	t.Helper()
	client, err := NewClient(s.target, "hp_key", options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	var slept []time.Duration
	client.calls.uniform = func() float64 { return 1 }
	client.calls.sleep = func(ctx context.Context, duration time.Duration) error {
		slept = append(slept, duration)
		return ctx.Err()
	}
	return client, &slept
}

// RecordOpen remembers the request id.
func (s *failingServer) RecordOpen(
	ctx context.Context, request *pb.RecordOpenRequest,
) (*pb.RecordOpenResponse, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.requestIDs = append(s.requestIDs, request.GetRequestId())
	headers, _ := metadata.FromIncomingContext(ctx)
	s.authorizations = append(s.authorizations, headers.Get("authorization")...)
	return &pb.RecordOpenResponse{}, s.nextFailure()
}

// GetCampaignStats has no request id.
func (s *failingServer) GetCampaignStats(
	context.Context, *pb.GetCampaignStatsRequest,
) (*pb.GetCampaignStatsResponse, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.reads++
	return &pb.GetCampaignStatsResponse{}, s.nextFailure()
}

// WatchCampaignStats sends what the next stream has, and then fails or stays open.
func (s *failingServer) WatchCampaignStats(
	_ *pb.WatchCampaignStatsRequest, stream pb.StatsService_WatchCampaignStatsServer,
) error {
	s.mutex.Lock()
	var sent []*pb.CampaignStats
	if len(s.streams) > 0 {
		sent, s.streams = s.streams[0], s.streams[1:]
	}
	failure := s.nextFailure()
	s.mutex.Unlock()
	for _, stats := range sent {
		if err := stream.Send(&pb.WatchCampaignStatsResponse{Stats: stats}); err != nil {
			return err
		}
	}
	if failure == nil {
		<-stream.Context().Done()
	}
	return failure
}

// WatchLinks remembers the cursor, sends another, and then fails or stays open.
func (s *failingServer) WatchLinks(
	request *pb.WatchLinksRequest, stream pb.TrackingService_WatchLinksServer,
) error {
	s.mutex.Lock()
	s.cursors = append(s.cursors, request.GetCursor())
	cursor := fmt.Sprintf("cursor-%d", len(s.cursors))
	failure := s.nextFailure()
	s.mutex.Unlock()
	if err := stream.Send(&pb.WatchLinksResponse{Cursor: cursor}); err != nil {
		return err
	}
	if failure == nil {
		<-stream.Context().Done()
	}
	return failure
}

func (s *failingServer) nextFailure() error {
	if len(s.failures) == 0 {
		return nil
	}
	failure := s.failures[0]
	s.failures = s.failures[1:]
	return failure
}

// failure returns an error as the authority sends it.
func failure(code codes.Code, reason Reason, retryAfter time.Duration) error {
	details := []protoadapt.MessageV1{
		&errdetails.ErrorInfo{
			Reason: string(reason), Domain: "hushpost", Metadata: map[string]string{"field": "name"},
		},
	}
	details = append(details, &errdetails.RequestInfo{RequestId: "a-call"})
	if retryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(retryAfter)})
	}
	failed, err := status.New(code, "a message").WithDetails(details...)
	if err != nil {
		panic(err)
	}
	return failed.Err()
}
