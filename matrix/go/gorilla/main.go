// gorilla/websocket: `gorilla serve ADDRESS`, with the echo of its example, or `gorilla connect URL`, a client of Autobahn's
// protocol.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	// Cases at a time.
	concurrent = 8
	// A connection that a case left open must not hold up the others.
	limit = 60 * time.Second
	most  = 64 << 20
)

func echo(socket *websocket.Conn) {
	defer socket.Close()
	socket.SetReadLimit(most)
	for {
		kind, message, err := socket.ReadMessage()
		if err != nil {
			return
		}
		if err := socket.WriteMessage(kind, message); err != nil {
			return
		}
	}
}

func serve(address string) error {
	upgrader := websocket.Upgrader{
		EnableCompression: true,
		CheckOrigin:       func(*http.Request) bool { return true },
	}
	http.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		socket, err := upgrader.Upgrade(response, request, nil)
		if err == nil {
			echo(socket)
		}
	})
	return http.ListenAndServe(address, nil)
}

func connect(url string) error {
	dialer := websocket.Dialer{EnableCompression: true, HandshakeTimeout: limit}
	socket, _, err := dialer.Dial(url+"/getCaseCount", nil)
	if err != nil {
		return err
	}
	var count int
	_, message, err := socket.ReadMessage()
	socket.Close()
	if err != nil {
		return err
	}
	if _, err := fmt.Sscan(string(message), &count); err != nil {
		return err
	}
	run := func(target string) {
		socket, _, err := dialer.Dial(url+target, nil)
		if err == nil {
			timer := time.AfterFunc(limit, func() { socket.Close() })
			defer timer.Stop()
			echo(socket)
		}
	}
	cases := make(chan int)
	var done sync.WaitGroup
	for worker := 0; worker < concurrent; worker++ {
		done.Add(1)
		go func() {
			defer done.Done()
			for number := range cases {
				run(fmt.Sprintf("/runCase?case=%d&agent=gorilla", number))
			}
		}()
	}
	for number := 1; number <= count; number++ {
		cases <- number
	}
	close(cases)
	done.Wait()
	run("/updateReports?agent=gorilla")
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
