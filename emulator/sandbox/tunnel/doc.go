// Package tunnel is what the emulator and PID 1 of a sandbox container say to
// each other.
//
// A sandbox container owns the network namespace of one task or pod. The
// emulator has no route into it and needs none: it attaches to the container's
// standard input and output, or runs `neargate-sandbox bridge` in it, and
// speaks this protocol over that stream. The emulator's end is [Client], which
// gives a [Session]; PID 1's end is [Server]. The package knows neither Docker
// nor Linux.
//
// # Protocol
//
// The emulator speaks first, because PID 1 may have been started long before
// anybody listens to its output: eight bytes "NEARGATE" and the protocol
// version as four bytes, big endian. PID 1 answers with the same twelve bytes
// of its own and its [Hello] as a frame. A side that reads another version
// than [Version] ends the stream with a [VersionError]. From then on the
// stream is yamux, with the emulator as yamux client.
//
// Each yamux stream starts with a header: one byte kind, two bytes length, and
// that many bytes of JSON. A frame is four bytes length and that many bytes of
// JSON. Numbers are big endian.
//
//	kind   opened by  header                     then
//	dial   emulator   network, address, timeout  ← frame: error or addresses; bytes both ways
//	call   emulator   command                    → frame: request   ← frame: error or reply
//	offer  PID 1      service, addresses         ← frame: error or nothing; bytes both ways
//	stop   both       number of a stream         nothing: "I read that stream no more"
//
// A dialed UDP connection carries datagrams, each after two bytes of length.
//
// Decision: the stop message. yamux can close a stream in one direction only;
// it has no reset, and its own time limit on half-closed streams would cut a
// long answer to a short request. So the limit is off, closing the writing
// side is yamux's FIN, and closing a connection whole says stop besides, in a
// stream of its own, because yamux hands over streams in the order in which
// they were opened: the stopped stream is always known when its stop arrives.
//
// # Streams come and go
//
// PID 1 outlives its streams. [Server] serves any number at once, the latest
// that finished its greeting wins, and the one before it is closed. What ends
// with a stream are the connections inside it, nothing else.
package tunnel

// Version is the version of the protocol. It grows with every change that an
// older peer would misunderstand.
const Version = 1
