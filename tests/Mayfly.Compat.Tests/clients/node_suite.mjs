// Drives a running server with node-vault, which we did not write. Usage: node_suite.mjs ADDRESS ROOT_TOKEN MODULES
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [endpoint, token, modules] = process.argv.slice(2);
const nodeVault = createRequire(modules + "/")("node-vault");
const vault = nodeVault({ apiVersion: "v1", endpoint, token });
const name = "n" + Date.now().toString(36);

const cases = {
  async "health and seal status answer"() {
    assert.equal((await vault.health()).sealed, false);
    assert.equal((await vault.status()).initialized, true);
  },
  async "KV version 2 is written, read, listed and deleted"() {
    await vault.mount({ mount_point: name, type: "kv", options: { version: "2" } });
    await vault.write(`${name}/data/app`, { data: { password: "hunter2" } });
    assert.deepEqual((await vault.read(`${name}/data/app`)).data.data, { password: "hunter2" });
    assert.deepEqual((await vault.list(`${name}/metadata`)).data.keys, ["app"]);
    await vault.delete(`${name}/data/app`);
    await assert.rejects(vault.read(`${name}/data/app`), (e) => e.response.statusCode === 404);
    await vault.unmount({ mount_point: name });
  },
  async "a login with AppRole gives a token"() {
    await vault.enableAuth({ mount_point: name, type: "approle", description: "d" });
    await vault.write(`auth/${name}/role/app`, { token_policies: "default" });
    const roleId = (await vault.read(`auth/${name}/role/app/role-id`)).data.role_id;
    const secretId = (await vault.write(`auth/${name}/role/app/secret-id`)).data.secret_id;
    const mine = nodeVault({ apiVersion: "v1", endpoint });
    const login = await mine.write(`auth/${name}/login`, { role_id: roleId, secret_id: secretId });
    mine.token = login.auth.client_token;
    assert.deepEqual((await mine.tokenLookupSelf()).data.policies, ["default"]);
    await mine.tokenRevokeSelf();
    await assert.rejects(mine.tokenLookupSelf(), (e) => e.response.statusCode === 403);
    await vault.disableAuth({ mount_point: name });
  },
  async "policies are written, listed and removed"() {
    await vault.addPolicy({ name, rules: 'path "x/*" { capabilities = ["read"] }' });
    assert.ok((await vault.policies()).policies.includes(name));
    await vault.removePolicy({ name });
  },
  async "a wrapped secret is unwrapped once"() {
    const wrapped = await vault.write("sys/wrapping/wrap", { a: "b" }, { headers: { "X-Vault-Wrap-TTL": "60" } });
    const once = nodeVault({ apiVersion: "v1", endpoint, token: wrapped.wrap_info.token });
    assert.deepEqual((await once.unwrap()).data, { a: "b" });
    await assert.rejects(once.unwrap());
  },
};

let failed = 0;
for (const [title, run] of Object.entries(cases)) {
  try {
    await run();
    console.log(`ok - ${title}`);
  } catch (error) {
    failed++;
    console.log(`not ok - ${title}: ${error.message}`);
  }
}
process.exit(failed === 0 ? 0 : 1);
