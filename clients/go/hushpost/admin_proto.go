// Converts tenants and API keys from the wire.

package hushpost

import pb "hushpost/clients/go/hushpostv1"

func tenant(message *pb.Tenant) *Tenant {
	converted := &Tenant{
		TenantSummary: TenantSummary{
			TenantID:    message.GetTenantId(),
			DisplayName: message.GetDisplayName(),
			CreateTime:  fromTimestamp(message.GetCreateTime()),
		},
		Policy: policy(message.GetPolicy()),
	}
	if progress := message.GetFolding(); progress != nil {
		converted.Anonymization = &AnonymizationProgress{
			AnonymizedCount: progress.GetFoldedCount(),
			TotalCount:      progress.GetTotalCount(),
			StartTime:       fromTimestamp(progress.GetStartTime()),
		}
	}
	return converted
}

func tenantSummary(message *pb.TenantSummary) *TenantSummary {
	return &TenantSummary{
		TenantID:    message.GetTenantId(),
		DisplayName: message.GetDisplayName(),
		CreateTime:  fromTimestamp(message.GetCreateTime()),
	}
}

func toAPIKey(message *pb.ApiKey) *APIKey {
	return &APIKey{
		KeyID:         message.GetKeyId(),
		TenantID:      message.GetTenantId(),
		Role:          Role(message.GetRole()),
		DisplayName:   message.GetDisplayName(),
		EdgeTenantIDs: message.GetEdgeTenantIds(),
		CreateTime:    fromTimestamp(message.GetCreateTime()),
		CreateActor:   message.GetCreateActor(),
		ExpireTime:    fromTimestamp(message.GetExpireTime()),
		LastUsedTime:  fromTimestamp(message.GetLastUsedTime()),
		RevokeTime:    fromTimestamp(message.GetRevokeTime()),
		RevokeActor:   message.GetRevokeActor(),
	}
}
