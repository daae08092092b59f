// A client of grpc-go that resolves xds: names. Commands and answers: see ../xds-client.ts.
// With PORT and NAME it is a server that waits for leave to serve, and answers with its name.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/xds"
)

type command struct {
	ID        int               `json:"id"`
	Op        string            `json:"op"`
	Target    string            `json:"target"`
	Count     int               `json:"count"`
	Metadata  map[string]string `json:"metadata"`
	TimeoutMs int               `json:"timeoutMs"`
}

type tally struct {
	Answers map[string]int `json:"answers"`
	Errors  []string       `json:"errors"`
}

type answer struct {
	ID int `json:"id"`
	tally
}

type client struct {
	mu       sync.Mutex
	channels map[string]*grpc.ClientConn
	loops    map[string]*loop
}

type loop struct {
	mu    sync.Mutex
	tally tally
	stop  chan struct{}
	done  chan struct{}
}

func main() {
	if len(os.Args) > 2 {
		serve(os.Args[1], os.Args[2])
	}
	it := &client{channels: map[string]*grpc.ClientConn{}, loops: map[string]*loop{}}
	var printing sync.Mutex
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var asked command
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		go func() {
			line, _ := json.Marshal(answer{asked.ID, it.obey(asked)})
			printing.Lock()
			defer printing.Unlock()
			fmt.Println(string(line))
		}()
	}
}

func (it *client) obey(asked command) tally {
	switch asked.Op {
	case "call":
		counted := newTally()
		for i := 0; i < asked.Count; i++ {
			counted.add(it.call(asked.Target, asked.Metadata, time.Duration(asked.TimeoutMs)*time.Millisecond))
		}
		return counted
	case "begin":
		begun := &loop{tally: newTally(), stop: make(chan struct{}), done: make(chan struct{})}
		it.mu.Lock()
		it.loops[asked.Target] = begun
		it.mu.Unlock()
		go it.callAgainAndAgain(asked.Target, begun)
		return newTally()
	}
	it.mu.Lock()
	running := it.loops[asked.Target]
	it.mu.Unlock()
	if asked.Op == "end" {
		close(running.stop)
		<-running.done
	}
	return running.take()
}

func (it *client) callAgainAndAgain(target string, running *loop) {
	defer close(running.done)
	for {
		select {
		case <-running.stop:
			return
		case <-time.After(2 * time.Millisecond):
			name, err := it.call(target, nil, 5*time.Second)
			running.mu.Lock()
			running.tally.add(name, err)
			running.mu.Unlock()
		}
	}
}

func (running *loop) take() tally {
	running.mu.Lock()
	defer running.mu.Unlock()
	taken := running.tally
	running.tally = newTally()
	return taken
}

func (it *client) call(target string, headers map[string]string, timeout time.Duration) (string, error) {
	channel, err := it.channel(target)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	ctx = metadata.NewOutgoingContext(ctx, metadata.New(headers))
	var name []byte
	err = channel.Invoke(ctx, "/test.Echo/Who", []byte{}, &name, grpc.ForceCodec(bytesAsTheyAre{}))
	return string(name), err
}

func (it *client) channel(target string) (*grpc.ClientConn, error) {
	it.mu.Lock()
	defer it.mu.Unlock()
	if known := it.channels[target]; known != nil {
		return known, nil
	}
	channel, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err == nil {
		it.channels[target] = channel
	}
	return channel, err
}

func newTally() tally { return tally{Answers: map[string]int{}, Errors: []string{}} }

func (counted *tally) add(name string, err error) {
	if err != nil {
		counted.Errors = append(counted.Errors, fmt.Sprintf("%s: %s", codeName(err), status.Convert(err).Message()))
		return
	}
	counted.Answers[name]++
}

// codeName is the code as the other clients write it.
func codeName(err error) string {
	switch status.Code(err) {
	case codes.Unavailable:
		return "UNAVAILABLE"
	case codes.DeadlineExceeded:
		return "DEADLINE_EXCEEDED"
	default:
		return status.Code(err).String()
	}
}

type bytesAsTheyAre struct{}

var _ encoding.Codec = bytesAsTheyAre{}

func (bytesAsTheyAre) Name() string { return "bytes" }

func (bytesAsTheyAre) Marshal(v any) ([]byte, error) { return v.([]byte), nil }

func (bytesAsTheyAre) Unmarshal(bytes []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), bytes...)
	return nil
}

func serve(port, name string) {
	answer := func(_ any, stream grpc.ServerStream) error {
		var request []byte
		if err := stream.RecvMsg(&request); err != nil {
			return err
		}
		return stream.SendMsg([]byte(name))
	}
	server, err := xds.NewGRPCServer(grpc.UnknownServiceHandler(answer), grpc.ForceServerCodec(bytesAsTheyAre{}))
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		panic(err)
	}
	panic(server.Serve(listener))
}
