// Subscribes with the package ws, which we did not write. Usage: events_ws.mjs ADDRESS ROOT_TOKEN MODULES
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [endpoint, root, modules] = process.argv.slice(2);
const WebSocket = createRequire(modules + "/")("ws");

async function call(method, path, body) {
  const reply = await fetch(`${endpoint}/v1/${path}`, {
    method,
    headers: { "X-Vault-Token": root },
    body: JSON.stringify(body),
  });
  assert.ok(reply.ok, `${path}: ${reply.status}`);
  return reply.status === 204 ? null : reply.json();
}

await call("PUT", "sys/policies/acl/events", {
  policy:
    'path "sys/events/subscribe/*" { capabilities = ["read"] }\n' +
    'path "secret/data/mine/*" { capabilities = ["read"] }',
});
const token = (await call("POST", "auth/token/create", { policies: ["events"] })).auth.client_token;

const refused = new WebSocket(`${endpoint.replace("http", "ws")}/v1/sys/events/subscribe/kv*?json=true`);
const status = await new Promise((done) =>
  refused.on("error", () => {}).on("unexpected-response", (request, reply) => {
    done(reply.statusCode);
    request.destroy();
  }),
);
assert.equal(status, 403);

const socket = new WebSocket(`${endpoint.replace("http", "ws")}/v1/sys/events/subscribe/kv*?json=true`, {
  headers: { "X-Vault-Token": token },
});
const seen = [];
socket.on("message", (data, isBinary) => {
  assert.equal(isBinary, false);
  seen.push(JSON.parse(data));
});
await new Promise((done, failed) => socket.on("open", done).on("error", failed));
const closed = new Promise((done) => socket.on("close", (code, reason) => done([code, reason.toString()])));

await call("POST", "secret/data/theirs/app", { data: { password: "canary-of-node" } });
await call("POST", "secret/data/mine/app", { data: { password: "canary-of-node" } });
while (seen.length === 0) await new Promise((done) => setTimeout(done, 10));
await call("POST", "auth/token/revoke", { token });
assert.deepEqual(await closed, [1008, "the token has ended"]);

assert.equal(seen.length, 1);
const { data } = seen[0];
assert.equal(data.event_type, "kv-v2/data-write");
assert.equal(data.event.metadata.data_path, "secret/data/mine/app");
assert.equal(data.event.metadata.current_version, "1");
assert.ok(!JSON.stringify(seen).includes("canary-of-node"));
console.log("ok - events over WebSocket");
