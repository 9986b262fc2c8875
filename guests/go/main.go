// The smallest guest, in Go: one node, one value. It answers a write when the write is safe, and never before.
package main

import (
	"bufio"
	"encoding/json"
	"os"
)

type told struct {
	Start *struct {
		Starts uint64
		Stored map[string]uint64
	}
	Request *struct {
		ID, Value uint64
		Op        string
	}
	Persisted uint64
}

type fields map[string]any

func main() {
	in, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	var value any
	var written uint64
	waiting := map[uint64]fields{} // answers by the number of their write
	values := map[uint64]uint64{}
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var t told
		if err := json.Unmarshal(line, &t); err != nil {
			panic(err)
		}
		answer := fields{}
		switch {
		case t.Start != nil:
			if stored, there := t.Start.Stored["value"]; there {
				value = stored
			}
			term := t.Start.Starts + 1
			answer["events"] = []fields{{"event": "elected", "term": term}, {"event": "leader-ready", "term": term}}
		case t.Request != nil && t.Request.Op == "write":
			written++
			waiting[written] = fields{"id": t.Request.ID, "result": "done"}
			values[written] = t.Request.Value
			answer["write"] = fields{"value": t.Request.Value}
		case t.Request != nil && t.Request.Op == "read":
			answer["reply"] = []fields{{"id": t.Request.ID, "result": "read", "value": value}}
		case t.Request != nil:
			answer["reply"] = []fields{{"id": t.Request.ID, "result": "refused"}}
		case t.Persisted > 0:
			replies := []fields{}
			for number := uint64(1); number <= t.Persisted; number++ {
				if reply, waits := waiting[number]; waits {
					value = values[number]
					replies = append(replies, reply)
					delete(waiting, number)
				}
			}
			answer["reply"] = replies
		}
		if err := out.Encode(answer); err != nil {
			panic(err)
		}
	}
}
