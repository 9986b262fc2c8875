"""The smallest guest: one node, one value. It answers a write when the write is safe, and never before."""
import json
import sys

for line in sys.stdin:
    told = json.loads(line)
    answer = {"reply": []}
    if "start" in told:
        value, written, waiting = told["start"]["stored"].get("value"), 0, {}
        term = told["start"]["starts"] + 1
        answer["events"] = [{"event": "elected", "term": term}, {"event": "leader-ready", "term": term}]
    elif "request" in told:
        asked = told["request"]
        if asked["op"] == "write":
            written += 1
            waiting[written] = asked
            answer["write"] = {"value": asked["value"]}
        elif asked["op"] == "read":
            answer["reply"].append({"id": asked["id"], "result": "read", "value": value})
        else:
            answer["reply"].append({"id": asked["id"], "result": "refused"})
    elif "persisted" in told:
        for number in [number for number in waiting if number <= told["persisted"]]:
            asked = waiting.pop(number)
            value = asked["value"]
            answer["reply"].append({"id": asked["id"], "result": "done"})
    print(json.dumps(answer), flush=True)
