package tunnel

import (
	"context"
	"encoding/json"
)

type callHeader struct {
	Command string `json:"command"`
}

type callReply struct {
	Error *Error          `json:"error,omitempty"`
	Reply json.RawMessage `json:"reply,omitempty"`
}

// Call sends a command to PID 1 and decodes its answer into reply, which may
// be nil. It fails with an [Error]: the command's own, UnknownCommand, or Lost
// when the stream broke and the command may or may not have been carried out.
// Cancelling ctx cancels the command. The commands have methods of their own;
// Call is what those are made of.
func (s *Session) Call(ctx context.Context, command string, request, reply any) error {
	c, err := s.link.open(ctx, kindCall, callHeader{command}, request)
	if err != nil {
		return err
	}
	var answer callReply
	if err := answerTo(ctx, c, &answer); err != nil {
		return err
	}
	c.finish()
	if answer.Error != nil {
		return answer.Error
	}
	if reply == nil {
		return nil
	}
	return json.Unmarshal(answer.Reply, reply)
}

func (s *Server) serveCall(ctx context.Context, body []byte, c *conn) {
	reply, err := s.run(ctx, body, c)
	answer := callReply{Error: toError(err)}
	if err == nil {
		if answer.Reply, err = json.Marshal(reply); err != nil {
			answer = callReply{Error: toError(err)}
		}
	}
	if err := writeFrame(c, answer); err != nil && !c.isStopped() {
		// Too large to send, or the stream is gone; the latter hears nothing.
		_ = writeFrame(c, callReply{Error: toError(err)})
	}
	c.finish()
}

func (s *Server) run(ctx context.Context, body []byte, c *conn) (any, error) {
	var h callHeader
	if err := json.Unmarshal(body, &h); err != nil {
		return nil, &Error{Kind: Invalid, Text: err.Error()}
	}
	var request json.RawMessage
	if err := readFrame(c, &request); err != nil {
		return nil, &Error{Kind: Invalid, Text: "request: " + err.Error()}
	}
	command := s.Commands[h.Command]
	if command == nil {
		return nil, &Error{Kind: UnknownCommand, Text: "the sandbox knows no command " + h.Command}
	}
	return command(ctx, request)
}
