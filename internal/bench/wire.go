package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// wires is an HTTP client as generators of load have it: each request is written to a connection of its own and its answer
// read by whoever asks, with nothing in between. What the clients compute is taken from what they measure, and net/http's
// goroutines cost them half of it. Answers of another kind than those of our own servers are errors. It is safe for
// concurrent use.
type wires struct {
	mu   sync.Mutex
	idle map[string][]*wire // by host:port
}

// wire is one connection.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
	out  bytes.Buffer
	used time.Time
}

func newWires() *wires { return &wires{idle: map[string][]*wire{}} }

const (
	wirePatience = 30 * time.Second
	wireRest     = 10 * time.Second // after which a connection is not used again
)

func (w *wires) take(ctx context.Context, host string) (*wire, error) {
	if one := w.waiting(host); one != nil {
		return one, nil
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", host, err)
	}
	return &wire{conn: conn, in: bufio.NewReaderSize(conn, 16<<10)}, nil
}

// waiting is the connection that was used last, nil when that is so long ago that the server may have closed it.
func (w *wires) waiting(host string) *wire {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.idle[host]
	if len(all) == 0 {
		return nil
	}
	one := all[len(all)-1]
	if time.Since(one.used) < wireRest {
		w.idle[host] = all[:len(all)-1]
		return one
	}
	for _, old := range all {
		_ = old.conn.Close() // nothing is written any more
	}
	delete(w.idle, host)
	return nil
}

func (w *wires) give(host string, one *wire) {
	one.used = time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle[host] = append(w.idle[host], one)
}

// close ends the connections that nobody uses.
func (w *wires) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, all := range w.idle {
		for _, one := range all {
			_ = one.conn.Close() // nothing is written any more
		}
	}
	clear(w.idle)
}

// do sends a request and reads its answer. target is path and query; header lists names and values.
func (w *wires) do(ctx context.Context, method, host, target string, header []string, body []byte) (*http.Response, []byte, error) {
	one, err := w.take(ctx, host)
	if err != nil {
		return nil, nil, err
	}
	resp, answer, err := one.do(method, host, target, header, body)
	if err != nil {
		_ = one.conn.Close() // its first error is told
		return nil, nil, fmt.Errorf("%s http://%s: %w", method, host, err)
	}
	if resp.Close {
		_ = one.conn.Close() // the server does, too
	} else {
		w.give(host, one)
	}
	return resp, answer, nil
}

func (w *wire) do(method, host, target string, header []string, body []byte) (*http.Response, []byte, error) {
	b := &w.out
	b.Reset()
	for _, s := range []string{method, " ", target, " HTTP/1.1\r\nHost: ", host, "\r\n"} {
		b.WriteString(s)
	}
	for i := 0; i+1 < len(header); i += 2 {
		for _, s := range []string{header[i], ": ", header[i+1], "\r\n"} {
			b.WriteString(s)
		}
	}
	if method != http.MethodGet {
		b.WriteString("Content-Length: ")
		b.WriteString(strconv.Itoa(len(body)))
		b.WriteString("\r\n")
	}
	b.WriteString("\r\n")
	b.Write(body)
	if err := w.conn.SetDeadline(time.Now().Add(wirePatience)); err != nil {
		return nil, nil, err
	}
	if _, err := w.conn.Write(b.Bytes()); err != nil {
		return nil, nil, err
	}
	resp, err := http.ReadResponse(w.in, nil)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp, answer, err
}
