// Converts tracking domains from the wire.

package hushpost

import pb "hushpost/clients/go/hushpostv1"

func trackingDomain(message *pb.TrackingDomain) *TrackingDomain {
	return &TrackingDomain{
		Domain:      message.GetDomain(),
		TenantID:    message.GetTenantId(),
		CreateTime:  fromTimestamp(message.GetCreateTime()),
		CreateActor: message.GetCreateActor(),
		VerifyTime:  fromTimestamp(message.GetVerifyTime()),
		IsDefault:   message.GetIsDefault(),
		DNSRecords:  each(message.GetDnsRecords(), dnsRecord),
	}
}

func dnsRecord(message *pb.DnsRecord) DNSRecord {
	return DNSRecord{Name: message.GetName(), Type: message.GetType(), Value: message.GetValue()}
}
