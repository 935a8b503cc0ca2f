// The calls of administration of the server that fails.

package hushpost

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "hushpost/clients/go/hushpostv1"
)

// remember remembers the request id of a call and fails with the next failure.
func remember[Response any](
	s *failingServer, request interface{ GetRequestId() string }, response *Response,
) (*Response, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.requestIDs = append(s.requestIDs, request.GetRequestId())
	return response, s.nextFailure()
}

// count counts a call without a request id and fails with the next failure.
func count[Response any](s *failingServer, response *Response) (*Response, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.reads++
	return response, s.nextFailure()
}

func (s *failingServer) CreateTenant(
	_ context.Context, request *pb.CreateTenantRequest,
) (*pb.CreateTenantResponse, error) {
	return remember(s, request, &pb.CreateTenantResponse{})
}

func (s *failingServer) UpdatePolicy(
	_ context.Context, request *pb.UpdatePolicyRequest,
) (*pb.UpdatePolicyResponse, error) {
	return remember(s, request, &pb.UpdatePolicyResponse{})
}

func (s *failingServer) CreateApiKey(
	_ context.Context, request *pb.CreateApiKeyRequest,
) (*pb.CreateApiKeyResponse, error) {
	return remember(s, request, &pb.CreateApiKeyResponse{})
}

func (s *failingServer) AddTrackingDomain(
	_ context.Context, request *pb.AddTrackingDomainRequest,
) (*pb.AddTrackingDomainResponse, error) {
	return remember(s, request, &pb.AddTrackingDomainResponse{})
}

func (s *failingServer) RemoveTrackingDomain(
	_ context.Context, request *pb.RemoveTrackingDomainRequest,
) (*pb.RemoveTrackingDomainResponse, error) {
	return remember(s, request, &pb.RemoveTrackingDomainResponse{})
}

func (s *failingServer) RevokeApiKey(
	context.Context, *pb.RevokeApiKeyRequest,
) (*pb.RevokeApiKeyResponse, error) {
	return count(s, &pb.RevokeApiKeyResponse{})
}

func (s *failingServer) CheckTrackingDomain(
	context.Context, *pb.CheckTrackingDomainRequest,
) (*pb.CheckTrackingDomainResponse, error) {
	return count(s, &pb.CheckTrackingDomainResponse{})
}

// GetTenant returns a tenant whose events are being anonymized.
func (s *failingServer) GetTenant(
	context.Context, *pb.GetTenantRequest,
) (*pb.GetTenantResponse, error) {
	return count(s, &pb.GetTenantResponse{Tenant: &pb.Tenant{Folding: &pb.AnonymizationProgress{
		FoldedCount: 3, TotalCount: 10, StartTime: &timestamppb.Timestamp{Seconds: 1_700_000_000},
	}}})
}
