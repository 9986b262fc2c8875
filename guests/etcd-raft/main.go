// etcd's raft as a guest of Leasehold's simulator: RawNode as etcd 3.4 ships it, with lease-based reads.
//
// It is one source for two programs. As a process it is not deterministic: raft draws its election timeouts from a generator
// that is seeded by the time. As a WASI module the time is the simulator's, and so are the timeouts.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"sort"

	"go.etcd.io/etcd/raft"
	pb "go.etcd.io/etcd/raft/raftpb"
)

// What the guest is told: docs/reference/guest-protocol.md.
type told struct {
	Now     struct{ Raw, Boot uint64 }
	Start   *start
	Message *struct {
		From, Kind string
		Data       []byte
	}
	Request *struct {
		ID, Key, Value, To uint64
		Op                 string
	}
	Wake      bool
	Persisted uint64
	Order     *struct{ Transfer string }
}

type start struct {
	Node              string
	Nodes, Voters     []string
	ElectionTimeoutNs uint64 `json:"election_timeout_ns"`
	HeartbeatNs       uint64 `json:"heartbeat_ns"`
	Stored            map[string][]byte
}

type fields map[string]interface{}

type answer struct {
	Events []fields          `json:"events,omitempty"`
	Write  map[string][]byte `json:"write,omitempty"`
	Send   []fields          `json:"send,omitempty"`
	Reply  []fields          `json:"reply,omitempty"`
	WakeAt fields            `json:"wake_at"`
}

// One command of the log.
type command struct{ ID, Key, Value uint64 }

type guest struct {
	start   start
	node    *raft.RawNode
	storage *raft.MemoryStorage
	next    uint64 // the next tick, by the raw clock
	writes  uint64
	held    *raft.Ready // waits until its write is safe
	values  map[uint64]uint64
	asked   map[uint64]bool   // proposals of this process that wait for their entry
	reads   map[uint64]uint64 // reads that wait: request, key
	lead    bool
	ready   bool
	term    uint64
	out     answer
}

func (g *guest) number(name string) uint64 {
	for place, node := range g.start.Nodes {
		if node == name {
			return uint64(place + 1)
		}
	}
	panic("no node " + name)
}

func begin(s start, now uint64) *guest {
	g := &guest{start: s, storage: raft.NewMemoryStorage(), next: now + s.HeartbeatNs,
		values: map[uint64]uint64{}, asked: map[uint64]bool{}, reads: map[uint64]uint64{}}
	var voters []uint64
	for _, name := range s.Voters {
		voters = append(voters, g.number(name))
	}
	snapshot := pb.SnapshotMetadata{Index: 1, Term: 1, ConfState: pb.ConfState{Voters: voters}}
	must(g.storage.ApplySnapshot(pb.Snapshot{Metadata: snapshot}))
	g.restore()
	config := &raft.Config{ID: g.number(s.Node), ElectionTick: int(s.ElectionTimeoutNs / s.HeartbeatNs), HeartbeatTick: 1,
		Storage: g.storage, MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 256, Applied: 1,
		CheckQuorum: true, PreVote: true, ReadOnlyOption: raft.ReadOnlyLeaseBased}
	node, err := raft.NewRawNode(config)
	must(err)
	g.node = node
	return g
}

// The log and the term as they were safe before the crash.
func (g *guest) restore() {
	var entries []pb.Entry
	for name, bytes := range g.start.Stored {
		if name == "state" {
			var state pb.HardState
			must(state.Unmarshal(bytes))
			must(g.storage.SetHardState(state))
			continue
		}
		var entry pb.Entry
		must(entry.Unmarshal(bytes))
		entries = append(entries, entry)
	}
	sort.Slice(entries, func(a, b int) bool { return entries[a].Index < entries[b].Index })
	must(g.storage.Append(entries))
}

func (g *guest) step(t told) {
	g.out = answer{}
	switch {
	case t.Message != nil:
		var message pb.Message
		must(message.Unmarshal(t.Message.Data))
		_ = g.node.Step(message)
	case t.Request != nil:
		g.request(t)
	case t.Wake:
		// As time.Ticker does: ticks that nobody could take are dropped.
		g.node.Tick()
		g.next += (t.Now.Raw-g.next)/g.start.HeartbeatNs*g.start.HeartbeatNs + g.start.HeartbeatNs
	case t.Persisted > 0:
		if g.held != nil && t.Persisted >= g.writes {
			ready := *g.held
			g.held = nil
			g.carryOut(ready)
		}
	case t.Order != nil && t.Order.Transfer != "":
		g.node.TransferLeader(g.number(t.Order.Transfer))
	}
	g.progress()
	g.out.WakeAt = fields{"raw": g.next}
}

func (g *guest) request(t told) {
	r := t.Request
	leads := g.node.Status().RaftState == raft.StateLeader
	switch {
	case r.Op == "write" && leads:
		data, _ := json.Marshal(command{r.ID, r.Key, r.Value})
		if g.node.Propose(data) == nil {
			g.asked[r.ID] = true
			return
		}
	case r.Op == "read" && leads && g.ready:
		g.reads[r.ID] = r.Key
		g.node.ReadIndex([]byte(fmt.Sprint(r.ID)))
		return
	}
	g.out.Reply = append(g.out.Reply, fields{"id": r.ID, "result": "refused"})
}

// Takes what raft wants, until it wants nothing more or waits for the disk.
func (g *guest) progress() {
	for g.held == nil && g.node.HasReady() {
		ready := g.node.Ready()
		write := map[string][]byte{}
		if !raft.IsEmptyHardState(ready.HardState) {
			must(g.storage.SetHardState(ready.HardState))
			write["state"], _ = ready.HardState.Marshal()
		}
		last, _ := g.storage.LastIndex()
		must(g.storage.Append(ready.Entries))
		for _, entry := range ready.Entries {
			write[name(entry.Index)], _ = entry.Marshal()
		}
		// What new entries have replaced is kept no longer.
		if count := len(ready.Entries); count > 0 {
			for index := ready.Entries[count-1].Index + 1; index <= last; index++ {
				write[name(index)] = nil
			}
		}
		if len(write) > 0 {
			g.writes++
			g.out.Write = write
			g.held = &ready
			break
		}
		g.carryOut(ready)
	}
	status := g.node.Status()
	leads := status.RaftState == raft.StateLeader
	if g.lead && (!leads || status.Term != g.term) {
		g.event("stepped-down", g.term)
	}
	if leads && (!g.lead || status.Term != g.term) {
		g.ready = false
		g.event("elected", status.Term)
	}
	g.lead, g.term = leads, status.Term
}

func name(index uint64) string { return fmt.Sprintf("%020d", index) }

func (g *guest) event(name string, term uint64) {
	g.out.Events = append(g.out.Events, fields{"event": name, "term": term})
}

func (g *guest) carryOut(ready raft.Ready) {
	for _, message := range ready.Messages {
		bytes, err := message.Marshal()
		must(err)
		to := g.start.Nodes[message.To-1]
		g.out.Send = append(g.out.Send, fields{"to": to, "kind": message.Type.String(), "data": bytes})
	}
	for _, entry := range ready.CommittedEntries {
		if g.node.Status().RaftState == raft.StateLeader && entry.Term == g.node.Status().Term && !g.ready {
			g.ready = true
			g.event("leader-ready", entry.Term)
		}
		var c command
		if entry.Type != pb.EntryNormal || json.Unmarshal(entry.Data, &c) != nil {
			continue
		}
		g.values[c.Key] = c.Value
		if g.asked[c.ID] {
			delete(g.asked, c.ID)
			g.out.Reply = append(g.out.Reply, fields{"id": c.ID, "result": "done"})
		}
	}
	for _, state := range ready.ReadStates {
		var id uint64
		fmt.Sscan(string(state.RequestCtx), &id)
		key, waits := g.reads[id]
		if !waits {
			continue
		}
		delete(g.reads, id)
		reply := fields{"id": id, "result": "read", "value": nil, "lease": true}
		if value, there := g.values[key]; there {
			reply["value"] = value
		}
		g.out.Reply = append(g.out.Reply, reply)
	}
	g.node.Advance(ready)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	raft.SetLogger(&raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)})
	in, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	var g *guest
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var t told
		must(json.Unmarshal(line, &t))
		if t.Start != nil {
			g = begin(*t.Start, t.Now.Raw)
		}
		g.step(t)
		must(out.Encode(g.out))
	}
}
