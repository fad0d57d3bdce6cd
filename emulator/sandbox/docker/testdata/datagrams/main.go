// Command datagrams answers UDP datagrams or sends one: a workload for tests.
//
//	datagrams serve ADDRESS TEXT   answers each with TEXT and the sender's address
//	datagrams ask ADDRESS          prints the answer, or the error
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

func main() {
	var err error
	if os.Args[1] == "serve" {
		err = serve(os.Args[2], os.Args[3])
	} else {
		err = ask(os.Args[2])
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		fmt.Println("refused")
	} else if err != nil {
		fmt.Println(err)
	}
}

func serve(address, text string) error {
	pc, err := net.ListenPacket("udp4", address)
	if err != nil {
		return err
	}
	p := make([]byte, 100)
	for {
		_, from, err := pc.ReadFrom(p)
		if err != nil {
			return err
		}
		if _, err := pc.WriteTo(fmt.Appendf(nil, "%s to %s", text, from.(*net.UDPAddr).IP), from); err != nil {
			return err
		}
	}
}

func ask(address string) error {
	c, err := net.Dial("udp4", address)
	if err != nil {
		return err
	}
	if err := c.SetDeadline(time.Now().Add(3 * time.Second)); err != nil {
		return err
	}
	if _, err := c.Write([]byte("?")); err != nil {
		return err
	}
	p := make([]byte, 100)
	n, err := c.Read(p)
	if err == nil {
		fmt.Println(string(p[:n]))
	}
	return err
}
