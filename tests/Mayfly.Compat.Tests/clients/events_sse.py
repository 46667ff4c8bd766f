"""Reads server-sent events with requests and writes with hvac, neither of which we wrote. Usage: events_sse.py ADDRESS TOKEN"""

import json
import sys

import hvac
import requests

address, token = sys.argv[1:]
vault = hvac.Client(url=address, token=token)


def events(last=None):
    headers = {"X-Vault-Token": token, "Accept": "text/event-stream"}
    if last is not None:
        headers["Last-Event-ID"] = last
    reply = requests.get(f"{address}/v1/sys/events/subscribe/kv-v2/*", headers=headers, stream=True, timeout=60)
    assert reply.status_code == 200, reply.text
    return reply


def read(reply):
    """The fields of the next event, as the specification of server-sent events has them."""
    fields = {}
    for line in reply.iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith(":"):
            continue
        if not line:
            if fields:
                return fields
            continue
        name, _, value = line.partition(":")
        fields[name] = value.removeprefix(" ")
    raise AssertionError("the stream has ended")


first = events()
vault.secrets.kv.v2.create_or_update_secret(path="app", secret={"password": "canary-of-python"})
seen = read(first)
assert seen["event"] == "kv-v2/data-write", seen
assert "canary-of-python" not in seen["data"]
body = json.loads(seen["data"])
assert body["specversion"] == "1.0" and body["id"] == seen["id"], body
assert body["data"]["event"]["metadata"]["data_path"] == "secret/data/app", body
first.close()

vault.secrets.kv.v2.destroy_secret_versions(path="app", versions=[1])
again = read(events(seen["id"]))
assert again["event"] == "kv-v2/destroy", again
print("ok - server-sent events")
