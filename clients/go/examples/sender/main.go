// Creates a campaign, issues the tokens of its messages, prints the links for each recipient, stores
// a decision, and prints the report.
//
//	go run ./examples/sender -sender-key sender.key -reporter-key reporter.key spring
//
// The key files contain API keys of these roles; "hushpost keys create" makes them.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"

	"hushpost/clients/go/hushpost"
)

var (
	authority   = flag.String("authority", "localhost:50051", "the address of the authority")
	trackingURL = flag.String("tracking-url", "https://click.example.com", "the URL of the edge")
	roots       = flag.String("ca", "", "a PEM file of the certificate authorities to trust")
	senderKey   = flag.String("sender-key", "", "a file with an API key of role SENDER")
	reporterKey = flag.String("reporter-key", "", "a file with an API key of role REPORTER")
)

// The addresses of the recipients, by contact id.
var addresses = map[string]string{"ada": "ada@example.com", "bob": "bob@example.com"}

func main() {
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("name the campaign")
	}
	if err := run(context.Background(), flag.Arg(0)); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, campaignID string) error {
	sender, err := connect(*senderKey)
	if err != nil {
		return err
	}
	defer sender.Close()
	reporter, err := connect(*reporterKey)
	if err != nil {
		return err
	}
	defer reporter.Close()

	if err := send(ctx, sender, campaignID); err != nil {
		return err
	}
	return report(ctx, reporter, campaignID)
}

func connect(keyFile string) (*hushpost.Client, error) {
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	var options []hushpost.Option
	if *roots != "" {
		pem, err := os.ReadFile(*roots)
		if err != nil {
			return nil, err
		}
		options = append(options, hushpost.WithRootCertificates(pem))
	}
	return hushpost.NewClient(*authority, strings.TrimSpace(string(key)), options...)
}

func send(ctx context.Context, sender *hushpost.Client, campaignID string) error {
	campaign, err := sender.CreateCampaign(ctx, hushpost.CreateCampaignRequest{
		CampaignID: campaignID,
		Links:      []hushpost.NewLink{{URL: "https://shop.example.com/sale", Label: "header"}},
		Groups:     []hushpost.NewGroup{{GroupID: "customers", ExpectedMessages: 2}},
	})
	if err != nil {
		return err
	}
	// A decision that is stored before tokens are issued applies to the campaign.
	if _, err := sender.SetPreference(ctx, hushpost.SetPreferenceRequest{
		ContactID:  "bob",
		DoNotTrack: hushpost.DoNotTrackTrue,
		Evidence:   "ticket 4711",
	}); err != nil {
		return err
	}
	tokens, err := sender.IssueTokens(ctx, hushpost.IssueTokensRequest{
		CampaignID:              campaign.CampaignID,
		GroupID:                 "customers",
		ContactIDs:              []string{"ada", "bob"},
		IncludePreferenceTokens: true,
	})
	if err != nil {
		return err
	}
	for _, token := range tokens {
		printMessage(token, campaign.Links)
	}
	return nil
}

// printMessage prints the URLs of a message: without a token, there is no pixel and links stay as
// they are.
func printMessage(token hushpost.IssuedToken, links []hushpost.Link) {
	fmt.Printf("%s: opens %s, clicks %s\n", addresses[token.ContactID], token.Mode, token.ClickMode)
	if token.Token != "" {
		fmt.Printf("  pixel        %s/o/%s.gif\n", *trackingURL, token.Token)
	}
	for _, link := range links {
		url := link.URL
		if token.ClickToken != "" {
			url = fmt.Sprintf("%s/c/%s/%d", *trackingURL, token.ClickToken, link.Number)
		}
		fmt.Printf("  %-12s %s\n", link.Label, url)
	}
	fmt.Printf("  preferences  %s/p/%s\n", *trackingURL, token.PreferenceToken)
}

func report(ctx context.Context, reporter *hushpost.Client, campaignID string) error {
	stats, err := reporter.GetCampaignStats(ctx, campaignID, hushpost.StatsSummary)
	if err != nil {
		return err
	}
	fmt.Printf("sent: %d, opened by %d identified people", stats.Sent.Total,
		stats.Opens.Human.Identified.Unique)
	if people := stats.Opens.Human.Anonymous; people != nil {
		fmt.Printf(" and %d ± %d anonymous ones", people.Unique, people.Margin)
	}
	fmt.Println()
	return nil
}
