// The clicks on messages: requests, and the header that each response must have.
package main

import "fmt"

const headers = "Host: links.example.com\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " +
	"Chrome/126.0.0.0 Safari/537.36\r\n" +
	"Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\n" +
	"Accept-Language: en\r\n" +
	"Sec-Fetch-Dest: document\r\n" +
	"Sec-Fetch-Mode: navigate\r\n" +
	"Sec-Fetch-Site: cross-site\r\n\r\n"

type click struct {
	request  []byte
	expected []byte
}

// One click per message, over and over. Requests are encoded once, in advance.
type clickCycle struct {
	clicks []click
	next   int
}

func newClickCycle(tokens, urls []string) clickCycle {
	locations := make([][]byte, len(urls))
	for link, url := range urls {
		locations[link] = []byte("\r\nlocation: " + url + "\r\n")
	}
	clicks := make([]click, len(tokens))
	for place, token := range tokens {
		link := place % len(urls)
		request := fmt.Sprintf("GET /c/%s/%d HTTP/1.1\r\n%s", token, link+1, headers)
		clicks[place] = click{[]byte(request), locations[link]}
	}
	return clickCycle{clicks: clicks}
}

func (c *clickCycle) take() click {
	taken := c.clicks[c.next]
	c.next = (c.next + 1) % len(c.clicks)
	return taken
}
