// An SCTP peer in Go on github.com/ishidawataru/sctp, scripted like the C peers in ../c and reporting in the same JSON
// lines.
//
// What the library makes of SCTP, and what this program does about it:
//
//   - It hands SndRcvInfo.PPID to the kernel as the host has it, so that on a little-endian machine the wire carries the
//     bytes swapped. The peers that matter use network order: this program swaps the PPID both ways, unless --raw-ppid
//     asks for what a naive user of the library gets.
//   - A connection from AcceptSCTP has no notification handler and can't be given one, so a server subscribes to data
//     alone; notifications would otherwise arrive as if they were messages. A client does the same.
//   - SCTPRead doesn't tell whether a message is complete (MSG_EOR), so the buffer has to hold the largest one.
//   - Dial with a Control function and without a local address dereferences nil, so a client always has a local address.
//   - Its SCTP_EOF is 0x10 instead of 0x200; Close therefore relies on shutdown(2), which does the same.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/bits"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ishidawataru/sctp"
)

// largest message that the library can be given a buffer for in one piece.
const largest = 1 << 19

// sendSpec is one --send: count messages alike, except that message i carries the pattern of seed+i.
type sendSpec struct {
	stream, size, count uint32
	ppid, context, seed uint32
	unordered           bool
}

type sendList []sendSpec

func (list *sendList) String() string { return fmt.Sprint(*list) }

func (list *sendList) Set(text string) error {
	spec := sendSpec{size: 1, count: 1}
	fields := map[string]*uint32{
		"stream": &spec.stream, "size": &spec.size, "count": &spec.count,
		"ppid": &spec.ppid, "context": &spec.context, "seed": &spec.seed,
	}
	for _, part := range strings.Split(text, ",") {
		key, value, _ := strings.Cut(part, "=")
		if key == "unordered" {
			spec.unordered = true
			continue
		}
		field, known := fields[key]
		if !known {
			return fmt.Errorf("unknown key %q", key)
		}
		number, err := strconv.ParseUint(value, 0, 32)
		if err != nil {
			return err
		}
		*field = uint32(number)
	}
	*list = append(*list, spec)
	return nil
}

type options struct {
	network  string
	local    string
	port     int
	peer     string
	peerPort int
	sends    sendList
	echo     bool
	rawPPID  bool
	expect   int
	streams  int
	timeout  time.Duration
}

type message struct {
	Type      string `json:"type"`
	Stream    uint16 `json:"stream"`
	SSN       uint16 `json:"ssn"`
	PPID      uint32 `json:"ppid"`
	TSN       uint32 `json:"tsn"`
	CumTSN    uint32 `json:"cumTsn"`
	Unordered bool   `json:"unordered"`
	Context   uint32 `json:"context"`
	Length    int    `json:"length"`
	FNV       string `json:"fnv"`
}

type up struct {
	Type  string   `json:"type"`
	Local []string `json:"local"`
	Peer  []string `json:"peer"`
}

type end struct {
	Type     string `json:"type"`
	How      string `json:"how"`
	Sent     int    `json:"sent"`
	Received int    `json:"received"`
}

var output = bufio.NewWriter(os.Stdout)

func report(line interface{}) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(output, "%s\n", text)
	output.Flush()
}

func fail(call string, err error) {
	report(map[string]string{"type": "error", "call": call, "code": err.Error()})
	os.Exit(1)
}

// pattern is the same generator as in ../c/payload.c.
func pattern(length, seed uint32) []byte {
	bytes := make([]byte, length)
	state := seed
	for i := range bytes {
		state = state*1664525 + 1013904223
		bytes[i] = byte(state >> 24)
	}
	return bytes
}

func fnv1a(bytes []byte) string {
	hash := uint32(2166136261)
	for _, b := range bytes {
		hash = (hash ^ uint32(b)) * 16777619
	}
	return fmt.Sprintf("%08x", hash)
}

// wirePPID turns a PPID into what the library wants to be given, and back.
func (o *options) wirePPID(ppid uint32) uint32 {
	if o.rawPPID {
		return ppid
	}
	return bits.ReverseBytes32(ppid)
}

func address(hosts string, port int) *sctp.SCTPAddr {
	result := &sctp.SCTPAddr{Port: port}
	for _, host := range strings.Split(hosts, ",") {
		result.IPAddrs = append(result.IPAddrs, net.IPAddr{IP: net.ParseIP(host)})
	}
	return result
}

func texts(addr net.Addr) []string {
	list := []string{}
	if several, ok := addr.(*sctp.SCTPAddr); ok && several != nil {
		for _, ip := range several.IPAddrs {
			list = append(list, net.JoinHostPort(ip.IP.String(), strconv.Itoa(several.Port)))
		}
	}
	return list
}

// prepare runs before bind and connect, while options still count for the association to come.
func prepare(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		for _, option := range []int{syscall.SO_SNDBUFFORCE, syscall.SO_RCVBUFFORCE} {
			if err := syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, option, 1<<20); err != nil {
				fail("SO_SNDBUFFORCE", err)
			}
		}
	})
}

// converse sends the list, receives (and echoes) until `expect` messages came or the peer ended, and reports all of it.
func (o *options) converse(conn *sctp.SCTPConn) {
	if err := conn.SubscribeEvents(sctp.SCTP_EVENT_DATA_IO); err != nil {
		fail("subscribe", err)
	}
	report(up{"up", texts(conn.LocalAddr()), texts(conn.RemoteAddr())})

	sent := make(chan int)
	go func() { sent <- o.sendAll(conn) }()

	received, echoed, how := 0, 0, "close"
	buffer := make([]byte, largest)
	for o.expect == 0 || received < o.expect {
		n, info, err := conn.SCTPRead(buffer)
		if err != nil {
			how = ending(err)
			break
		}
		if info == nil {
			fail("SCTPRead", errors.New("a message without SndRcvInfo"))
		}
		received++
		report(message{
			"message", info.Stream, info.SSN, o.wirePPID(info.PPID), info.TSN, info.CumTSN,
			info.Flags&sctp.SCTP_UNORDERED != 0, info.Context, n, fnv1a(buffer[:n]),
		})
		if o.echo {
			back := sctp.SndRcvInfo{Stream: info.Stream, Flags: info.Flags & sctp.SCTP_UNORDERED, PPID: info.PPID}
			if _, err := conn.SCTPWrite(buffer[:n], &back); err != nil {
				fail("SCTPWrite", err)
			}
			echoed++
		}
	}
	total := <-sent + echoed
	conn.Close()
	report(end{"end", how, total, received})
}

// ending names the way in which the peer ended the association.
func ending(err error) string {
	var errno syscall.Errno
	switch {
	case err == io.EOF:
		return "EOF"
	case errors.As(err, &errno) && errno == syscall.ECONNRESET:
		return "ECONNRESET"
	default:
		return err.Error()
	}
}

func (o *options) sendAll(conn *sctp.SCTPConn) int {
	count := 0
	for _, spec := range o.sends {
		for i := uint32(0); i < spec.count; i++ {
			info := sctp.SndRcvInfo{Stream: uint16(spec.stream), PPID: o.wirePPID(spec.ppid), Context: spec.context}
			if spec.unordered {
				info.Flags = sctp.SCTP_UNORDERED
			}
			if _, err := conn.SCTPWrite(pattern(spec.size, spec.seed+i), &info); err != nil {
				fail("SCTPWrite", err)
			}
			count++
		}
	}
	return count
}

func (o *options) listen(config *sctp.SocketConfig) {
	listener, err := config.Listen(o.network, address(o.local, o.port))
	if err != nil {
		fail("listen", err)
	}
	fmt.Printf("ready %d\n", listener.Addr().(*sctp.SCTPAddr).Port)
	conn, err := listener.AcceptSCTP()
	if err != nil {
		fail("accept", err)
	}
	o.converse(conn)
	listener.Close()
}

func (o *options) connect(config *sctp.SocketConfig) {
	conn, err := config.Dial(o.network, address(o.local, o.port), address(o.peer, o.peerPort))
	if err != nil {
		fail("dial", err)
	}
	fmt.Printf("ready %d\n", conn.LocalAddr().(*sctp.SCTPAddr).Port)
	o.converse(conn)
}

func usage() {
	fmt.Fprintln(os.Stderr, "Usage: peer listen|connect [options]")
	os.Exit(2)
}

func main() {
	var o options
	if len(os.Args) < 2 {
		usage()
	}
	flags := flag.NewFlagSet("peer", flag.ExitOnError)
	flags.StringVar(&o.local, "local", "", "local addresses, separated by commas")
	flags.IntVar(&o.port, "port", 0, "local port")
	flags.StringVar(&o.peer, "peer", "", "addresses of the peer, separated by commas")
	flags.IntVar(&o.peerPort, "peer-port", 0, "port of the peer")
	flags.Var(&o.sends, "send", "messages to send: stream=,ppid=,context=,size=,count=,seed=,unordered")
	flags.BoolVar(&o.echo, "echo", false, "send each message back as it came")
	flags.BoolVar(&o.rawPPID, "raw-ppid", false, "leave the PPID in the order of the host, as the library does")
	flags.IntVar(&o.expect, "expect", 0, "close after so many messages; 0: when the peer does")
	flags.IntVar(&o.streams, "streams", 10, "outbound streams to ask for")
	flags.DurationVar(&o.timeout, "timeout", time.Minute, "give up and exit 124")
	if err := flags.Parse(os.Args[2:]); err != nil {
		usage()
	}
	o.network = "sctp4"
	wildcard := "0.0.0.0"
	if strings.Contains(o.local+o.peer, ":") {
		o.network, wildcard = "sctp6", "::"
	}
	if o.local == "" {
		o.local = wildcard
	}
	time.AfterFunc(o.timeout, func() {
		os.Stdout.WriteString("{\"type\":\"error\",\"call\":\"peer\",\"code\":\"ETIME\"}\n")
		os.Exit(124)
	})
	config := &sctp.SocketConfig{
		Control: prepare,
		InitMsg: sctp.InitMsg{NumOstreams: uint16(o.streams), MaxInstreams: 65535},
	}
	switch os.Args[1] {
	case "listen":
		o.listen(config)
	case "connect":
		o.connect(config)
	default:
		usage()
	}
}
