#!/usr/bin/env python3
"""A small Raft with a leader lease, as a guest of Leasehold's simulator. docs/host-your-own.md explains it line by line.

Its mistake is the line marked LEASE: it counts the lease from the arrival of the acknowledgements. They acknowledge a
round that was sent earlier. `--from-send` counts from there.
"""
import json
import sys


class Raft:
    def __init__(self, start, now):
        vars(self).update(start)  # node, voters, seed, starts, lease_ns, election_timeout_ns, heartbeat_ns, stored ...
        self.term, self.voted, self.log = self.stored.get("raft", [0, None, []])  # an entry is [term, key, value]
        self.peers = [node for node in self.voters if node != self.node]
        self.role, self.commit, self.timer = "follower", 0, 0
        self.promised = now + self.election_timeout_ns if self.starts else 0  # it may have promised before it crashed
        self.rest(now + self.startup_grace_ns)

    def rest(self, now):  # no campaign for an election timeout, and a random part of its own
        self.seed = (self.seed * 6364136223846793005 + 1442695040888963407) % 2**64
        self.timer = now + self.election_timeout_ns + (self.seed >> 11) % (self.election_jitter_ns + 1)

    def save(self):
        self.out["write"] = {"raft": [self.term, self.voted, self.log]}

    def send(self, kind, to=None, **data):
        for peer in [to] if to else self.peers:
            self.out["send"].append({"to": peer, "kind": kind, "data": {"term": self.term, **data}})

    def tell(self, event, **fields):
        self.out["events"].append({"event": event, "term": self.term, **fields})

    def majority(self, of_peers, own):  # what this node and enough others have come to
        return sorted([*of_peers.values(), own], reverse=True)[len(self.voters) // 2]

    def follow(self, term):
        if self.role == "leader":
            self.tell("stepped-down")
        if term > self.term:
            self.term, self.voted = term, None
            self.save()
        self.role = "follower"

    def campaign(self, now):
        self.term, self.voted, self.role, self.votes = self.term + 1, self.node, "candidate", {}
        self.save()
        self.tell("campaign")
        self.rest(now)
        self.send("vote", last=[self.log[-1][0] if self.log else 0, len(self.log)])

    def lead(self, now):
        self.role, self.ready, self.lease_until, self.sent, self.waiting = "leader", False, 0, [], {}
        self.acked, self.match = dict.fromkeys(self.peers, -1), dict.fromkeys(self.peers, 0)
        self.tell("elected")
        self.append(now, [self.term, None, None])

    def append(self, now, *entries):  # a round: here each one carries the whole log
        self.log += entries
        if entries:
            self.save()
        self.sent.append(now)
        self.timer = now + self.heartbeat_ns
        self.send("append", round=len(self.sent) - 1, log=self.log, commit=self.commit)

    def on_message(self, now, peer, kind, term, last=None, round=0, log=None, commit=0, length=0):
        if kind == "vote":
            if now < self.promised or self.role == "leader" and now < self.lease_until:
                return
            mine = [self.log[-1][0] if self.log else 0, len(self.log)]
            if term > self.term:
                self.follow(term)
            if term == self.term and self.voted in (None, peer) and last >= mine:
                self.voted = peer
                self.save()
                self.rest(now)
                self.send("voted", peer)
            return
        if term > self.term or kind == "append" and term == self.term:
            self.follow(term)
        if kind == "append" and term == self.term:
            self.promised = now + self.election_timeout_ns
            self.rest(now)
            if log != self.log:
                self.log = log
                self.save()
            self.commit = commit
            self.send("ack", peer, round=round, length=len(log))
        elif kind == "voted" and self.role == "candidate" and term == self.term:
            self.votes[peer] = 1
            if self.majority(dict.fromkeys(self.peers, 0) | self.votes, 1):
                self.lead(now)
        elif kind == "ack" and self.role == "leader" and term == self.term:
            self.acked[peer], self.match[peer] = max(self.acked[peer], round), max(self.match[peer], length)
            self.acknowledged(now)

    def acknowledged(self, now):
        commit, newest = self.majority(self.match, len(self.log)), self.majority(self.acked, len(self.sent))
        if commit > self.commit and self.log[commit - 1][0] == self.term:
            self.commit = commit
        if not self.ready and self.commit and self.log[self.commit - 1][0] == self.term:
            self.ready = True
            self.tell("leader-ready")
        for index in [index for index in self.waiting if index <= self.commit]:
            self.out["reply"].append({"id": self.waiting.pop(index), "result": "done"})
        begins = self.sent[newest] if "--from-send" in sys.argv else now  # LEASE
        if self.ready and newest >= 0 and begins + self.lease_ns > self.lease_until:
            self.lease_until = begins + self.lease_ns
            self.tell("lease-renewed", **{"from": {"boot": begins}, "until": {"boot": self.lease_until}})

    def on_request(self, now, id, op, key, value=None, **others):
        if self.role == "leader" and op == "write":
            self.waiting[len(self.log) + 1] = id
            return self.append(now, [self.term, key, value])
        if self.role == "leader" and op == "read" and self.ready and now < self.lease_until:
            value = next((entry[2] for entry in reversed(self.log[:self.commit]) if entry[1] == key), None)
            return self.out["reply"].append({"id": id, "result": "read", "value": value, "lease": True})
        self.out["reply"].append({"id": id, "result": "refused"})

    def step(self, told):
        now, self.out = told["now"]["boot"], {"events": [], "send": [], "reply": []}
        if "message" in told:
            self.on_message(now, told["message"]["from"], told["message"]["kind"], **told["message"]["data"])
        elif "request" in told:
            self.on_request(now, **told["request"])
        elif "wake" in told:
            self.append(now) if self.role == "leader" else self.campaign(now)
        return {**self.out, "wake_at": {"boot": self.timer}}


for line in sys.stdin:
    told = json.loads(line)
    if "start" in told:
        raft = Raft(told["start"], told["now"]["boot"])
    print(json.dumps(raft.step(told)), flush=True)
