"""Compares the ec2Query dialect with botocore.

Reads JSON lines from stdin. {"op", "tree"}: makes parameters for the members
that tree has and prints {"body", "params"}. {"op", "xml", "want"}: parses an
answer and prints {"wrong": [...], "newer": [...], "seen": n}.
"""
import base64
import datetime
import json
import sys
import urllib.parse

import botocore.session
from botocore import parsers, serialize

model = botocore.session.get_session().get_service_model("ec2")
serializer = serialize.create_serializer("ec2", include_validation=False)
parser = parsers.create_parser("ec2")


def field(name):
    return name[0].upper() + name[1:]


def make(shape, tree, path):
    kind = shape.type_name
    if kind == "structure":
        return {m: make(s, tree[field(m)], path + "." + m)
                for m, s in shape.members.items() if field(m) in tree and tree[field(m)] is not None}
    if kind == "list":
        return [make(shape.member, tree, path + str(i)) for i in range(2)]
    if kind == "string":
        return shape.enum[0] if getattr(shape, "enum", None) else "é <&+ " + path
    if kind in ("integer", "long"):
        return len(path)
    if kind in ("float", "double"):
        return 0.5
    if kind == "boolean":
        return True
    if kind == "timestamp":
        return datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    if kind == "blob":
        return b"blob " + path.encode()
    raise ValueError(kind)


def plain(v):
    """Writes values as Go's encoding/json writes those of the Input struct."""
    if isinstance(v, dict):
        return {field(k): plain(x) for k, x in v.items()}
    if isinstance(v, list):
        return [plain(x) for x in v]
    if isinstance(v, bytes):
        return base64.b64encode(v).decode()
    if isinstance(v, datetime.datetime):
        return v.astimezone(datetime.timezone.utc).isoformat(timespec="milliseconds")[:-6] + "Z"
    return v


def compare(shape, got, want, path, out):
    if shape.type_name == "structure" and isinstance(want, dict):
        members = {field(m): m for m in shape.members}
        for name, value in want.items():
            at = path + "." + name
            if name not in members:
                out["newer"].append(shape.name + "." + name)
            elif members[name] not in got:
                out["wrong"].append(at + " is missing")
            else:
                compare(shape.members[members[name]], got[members[name]], value, at, out)
        return
    if shape.type_name == "list":
        if len(got) != len(want):
            out["wrong"].append("%s has %d elements of %d" % (path, len(got), len(want)))
        for i, pair in enumerate(zip(got, want)):
            compare(shape.member, pair[0], pair[1], path + "[%d]" % i, out)
        return
    out["seen"] += 1
    if plain(got) != want:
        out["wrong"].append("%s is %r, not %r" % (path, plain(got), want))


for line in sys.stdin:
    ask = json.loads(line)
    op = model.operation_model(ask["op"])
    if "tree" in ask:
        params = make(op.input_shape, ask["tree"], ask["op"])
        body = serializer.serialize_to_request(params, op)["body"]
        answer = {"body": urllib.parse.urlencode(body), "params": plain(params)}
    else:
        parsed = parser.parse({"status_code": 200, "headers": {}, "body": ask["xml"].encode()}, op.output_shape)
        answer = {"wrong": [], "newer": [], "seen": 0}
        if op.output_shape is not None:
            compare(op.output_shape, parsed, ask["want"], ask["op"], answer)
    print(json.dumps(answer), flush=True)
