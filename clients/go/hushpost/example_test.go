// Examples for docs/how-to/go-client.md and go doc. They are compiled, but not run.

package hushpost_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"hushpost/clients/go/hushpost"
	"hushpost/clients/go/hushpostv1"
)

func clientWithKeyFrom(keyFile string) *hushpost.Client {
	key, err := os.ReadFile(keyFile)
	if err != nil {
		log.Fatal(err)
	}
	client, err := hushpost.NewClient("localhost:50051", strings.TrimSpace(string(key)))
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func ExampleNewClient() {
	key, err := os.ReadFile("sender.key")
	if err != nil {
		log.Fatal(err)
	}
	sender, err := hushpost.NewClient("authority.example.com:50051", strings.TrimSpace(string(key)))
	if err != nil {
		log.Fatal(err)
	}
	defer sender.Close()
}

func ExampleClient_UpdatePolicy() {
	ctx, installation := context.Background(), clientWithKeyFrom("admin.key")

	tenant, err := installation.UpdatePolicy(ctx, hushpost.UpdatePolicyRequest{
		TenantID: "acme",
		Policy: hushpost.PolicyUpdate{
			RetentionDays: new(int32(90)),
			ClicksModes:   hushpost.ConsentModes{WhenDenied: hushpost.ModeOff},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tenant.Policy.RetentionDays)
}

func ExampleClient_WatchCampaignStats() {
	ctx, reporter := context.Background(), clientWithKeyFrom("reporter.key")

	for stats, err := range reporter.WatchCampaignStats(ctx, "spring", hushpost.StatsSummary) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(stats.Opens.Human.Identified.Unique)
	}
}

func ExampleError() {
	ctx, sender := context.Background(), clientWithKeyFrom("sender.key")

	request := hushpost.CreateCampaignRequest{CampaignID: "spring"}
	_, err := sender.CreateCampaign(ctx, request)
	var failed *hushpost.Error
	if errors.As(err, &failed) && failed.Retryable() {
		time.Sleep(failed.RetryAfter)
		request.RequestID = failed.RequestID
		_, err = sender.CreateCampaign(ctx, request)
	}
	if errors.Is(err, hushpost.ReasonCampaignAlreadyExists) {
		log.Print("spring exists")
	}
}

func ExampleClient_Conn() {
	ctx, edge := context.Background(), clientWithKeyFrom("edge.key")

	stub := hushpostv1.NewTrackingServiceClient(edge.Conn())
	response, err := stub.GetSpoolPublicKey(ctx, &hushpostv1.GetSpoolPublicKeyRequest{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(response.GetPublicKey()))
}
