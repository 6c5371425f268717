// coder/websocket, which Debian has under its earlier name nhooyr.io/websocket: `coder serve ADDRESS`, with the echo of its
// example, or `coder connect URL`, a client of Autobahn's protocol.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"nhooyr.io/websocket"
)

const (
	// Cases at a time.
	concurrent = 8
	// A connection that a case left open must not hold up the others.
	limit = 60 * time.Second
	most  = 64 << 20
)

// The echo of its documentation copies from a reader to a writer.
func one(ctx context.Context, socket *websocket.Conn) error {
	kind, reader, err := socket.Reader(ctx)
	if err != nil {
		return err
	}
	writer, err := socket.Writer(ctx, kind)
	if err != nil {
		return err
	}
	if _, err := io.Copy(writer, reader); err != nil {
		return err
	}
	return writer.Close()
}

func echo(ctx context.Context, socket *websocket.Conn) {
	defer socket.Close(websocket.StatusInternalError, "")
	socket.SetReadLimit(most)
	for one(ctx, socket) == nil {
	}
}

func serve(address string) error {
	return http.ListenAndServe(address, http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		options := websocket.AcceptOptions{InsecureSkipVerify: true}
		socket, err := websocket.Accept(response, request, &options)
		if err == nil {
			echo(request.Context(), socket)
		}
	}))
}

func connect(url string) error {
	dial := func(target string, use func(context.Context, *websocket.Conn) error) error {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		socket, _, err := websocket.Dial(ctx, url+target, nil)
		if err != nil {
			return err
		}
		return use(ctx, socket)
	}
	var count int
	err := dial("/getCaseCount", func(ctx context.Context, socket *websocket.Conn) error {
		defer socket.Close(websocket.StatusNormalClosure, "")
		_, message, err := socket.Read(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Sscan(string(message), &count)
		return err
	})
	if err != nil {
		return err
	}
	run := func(target string) {
		// Whether the client was right to give up is what the case is about.
		_ = dial(target, func(ctx context.Context, socket *websocket.Conn) error {
			echo(ctx, socket)
			return nil
		})
	}
	cases := make(chan int)
	var done sync.WaitGroup
	for worker := 0; worker < concurrent; worker++ {
		done.Add(1)
		go func() {
			defer done.Done()
			for number := range cases {
				run(fmt.Sprintf("/runCase?case=%d&agent=coder", number))
			}
		}()
	}
	for number := 1; number <= count; number++ {
		cases <- number
	}
	close(cases)
	done.Wait()
	run("/updateReports?agent=coder")
	return nil
}

func main() {
	flag.Parse()
	var err error
	if flag.Arg(0) == "serve" {
		err = serve(flag.Arg(1))
	} else {
		err = connect(strings.TrimSuffix(flag.Arg(1), "/"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
