"""Drives a running server with hvac, which we did not write. Usage: hvac_suite.py ADDRESS ROOT_TOKEN

Every test works below mounts of its own, so that the order does not matter.
"""

import shutil
import sys
import tempfile
import time
import unittest
import uuid

import hvac
from hvac import exceptions

ADDRESS = ""
TOKEN = ""


def client(token=None):
    return hvac.Client(url=ADDRESS, token=TOKEN if token is None else token)


class Base(unittest.TestCase):
    def setUp(self):
        self.vault = client()
        self.name = "t" + uuid.uuid4().hex[:10]


class KvVersion2(Base):
    def setUp(self):
        super().setUp()
        self.vault.sys.enable_secrets_engine("kv", path=self.name, options={"version": "2"})
        self.kv = self.vault.secrets.kv.v2

    def tearDown(self):
        self.vault.sys.disable_secrets_engine(self.name)

    def put(self, path="app", cas=None, **secret):
        return self.kv.create_or_update_secret(path, secret or {"a": "b"}, cas=cas, mount_point=self.name)

    def read(self, path="app", version=None):
        return self.kv.read_secret_version(path, version=version, mount_point=self.name)

    def test_write_and_read_back(self):
        self.assertEqual(1, self.put(password="hunter2", n="1")["data"]["version"])
        reply = self.read()
        self.assertEqual({"password": "hunter2", "n": "1"}, reply["data"]["data"])
        self.assertEqual(1, reply["data"]["metadata"]["version"])
        self.assertFalse(reply["data"]["metadata"]["destroyed"])
        self.assertEqual("", reply["data"]["metadata"]["deletion_time"])

    def test_check_and_set(self):
        self.put(cas=0)
        with self.assertRaisesRegex(exceptions.InvalidRequest, "did not match the current version"):
            self.put(cas=0)
        self.put(cas=1)

    def test_soft_delete_undelete_destroy(self):
        self.put()
        self.put(a="c")
        self.kv.delete_latest_version_of_secret("app", mount_point=self.name)
        with self.assertRaises(exceptions.InvalidPath):
            self.read()
        deleted = self.kv.read_secret_metadata("app", mount_point=self.name)["data"]["versions"]["2"]
        self.assertNotEqual("", deleted["deletion_time"])
        self.kv.undelete_secret_versions("app", [2], mount_point=self.name)
        self.assertEqual("c", self.read()["data"]["data"]["a"])
        self.kv.delete_secret_versions("app", [1], mount_point=self.name)
        self.kv.destroy_secret_versions("app", [1], mount_point=self.name)
        metadata = self.kv.read_secret_metadata("app", mount_point=self.name)["data"]
        self.assertTrue(metadata["versions"]["1"]["destroyed"])
        self.assertFalse(metadata["versions"]["2"]["destroyed"])

    def test_patch_merges(self):
        self.put(a="1", b="2")
        self.kv.patch("app", {"b": "3", "c": "4"}, mount_point=self.name)
        self.assertEqual({"a": "1", "b": "3", "c": "4"}, self.read()["data"]["data"])

    def test_list_and_metadata(self):
        self.put("x/y")
        self.put("x/z")
        self.put("w")
        self.assertEqual(["w", "x/"], self.kv.list_secrets("", mount_point=self.name)["data"]["keys"])
        self.assertEqual(["y", "z"], self.kv.list_secrets("x", mount_point=self.name)["data"]["keys"])
        self.kv.update_metadata(
            "w", max_versions=3, cas_required=True, delete_version_after="1h", mount_point=self.name
        )
        self.vault.write(self.name + "/metadata/w", custom_metadata={"owner": "team"})
        metadata = self.kv.read_secret_metadata("w", mount_point=self.name)["data"]
        self.assertEqual(3, metadata["max_versions"])
        self.assertTrue(metadata["cas_required"])
        self.assertEqual("1h0m0s", metadata["delete_version_after"])
        self.assertEqual({"owner": "team"}, metadata["custom_metadata"])
        with self.assertRaisesRegex(exceptions.InvalidRequest, "check-and-set parameter required"):
            self.put("w")
        self.kv.delete_metadata_and_all_versions("w", mount_point=self.name)
        with self.assertRaises(exceptions.InvalidPath):
            self.kv.read_secret_metadata("w", mount_point=self.name)

    def test_configuration(self):
        self.kv.configure(max_versions=2, cas_required=False, delete_version_after="10m", mount_point=self.name)
        config = self.kv.read_configuration(mount_point=self.name)["data"]
        self.assertEqual(2, config["max_versions"])
        self.assertEqual("10m0s", config["delete_version_after"])
        for value in "123":
            self.put(a=value)
        metadata = self.kv.read_secret_metadata("app", mount_point=self.name)["data"]
        self.assertEqual(["2", "3"], sorted(metadata["versions"]))


class KvVersion1(Base):
    def setUp(self):
        super().setUp()
        self.vault.sys.enable_secrets_engine("kv", path=self.name, options={"version": "1"})
        self.kv = self.vault.secrets.kv.v1

    def test_create_read_list_delete(self):
        self.kv.create_or_update_secret("a/b", {"k": "v", "n": 5}, mount_point=self.name)
        self.assertEqual({"k": "v", "n": 5}, self.kv.read_secret("a/b", mount_point=self.name)["data"])
        self.assertEqual(["b"], self.kv.list_secrets("a", mount_point=self.name)["data"]["keys"])
        self.kv.delete_secret("a/b", mount_point=self.name)
        with self.assertRaises(exceptions.InvalidPath):
            self.kv.read_secret("a/b", mount_point=self.name)

    def test_lease_duration_is_the_refresh_interval(self):
        self.kv.create_or_update_secret("a", {"k": "v", "ttl": "1h"}, mount_point=self.name)
        self.assertEqual(3600, self.kv.read_secret("a", mount_point=self.name)["lease_duration"])
        self.kv.create_or_update_secret("b", {"k": "v"}, mount_point=self.name)
        self.assertEqual(2764800, self.kv.read_secret("b", mount_point=self.name)["lease_duration"])

    def test_upgrade_keeps_the_secrets(self):
        self.kv.create_or_update_secret("a/b", {"k": "v"}, mount_point=self.name)
        self.vault.sys.tune_mount_configuration(self.name, options={"version": "2"})
        for _ in range(100):
            try:
                reply = self.vault.secrets.kv.v2.read_secret_version("a/b", mount_point=self.name)
                break
            except exceptions.InvalidRequest:
                time.sleep(0.05)
        self.assertEqual({"k": "v"}, reply["data"]["data"])


class Tokens(Base):
    def test_create_lookup_renew_revoke(self):
        auth = self.vault.auth.token.create(policies=["default"], ttl="1h", meta={"team": "x"})["auth"]
        self.assertEqual(3600, auth["lease_duration"])
        self.assertTrue(auth["renewable"])
        mine = client(auth["client_token"])
        data = mine.auth.token.lookup_self()["data"]
        self.assertEqual({"team": "x"}, data["meta"])
        self.assertEqual("service", data["type"])
        self.assertEqual(auth["accessor"], data["accessor"])
        self.assertEqual(auth["client_token"], mine.auth.token.renew_self()["auth"]["client_token"])
        by_accessor = self.vault.auth.token.lookup_accessor(auth["accessor"])["data"]
        self.assertEqual("", by_accessor["id"])
        self.vault.auth.token.revoke(auth["client_token"])
        self.assertFalse(mine.is_authenticated())
        with self.assertRaises(exceptions.Forbidden):
            mine.auth.token.lookup_self()

    def test_roles(self):
        role_path = "auth/token/roles/" + self.name
        self.vault.write(role_path, allowed_policies="default", orphan=True, period="2h", renewable=True)
        role = self.vault.read(role_path)["data"]
        self.assertEqual(["default"], role["allowed_policies"])
        self.assertTrue(role["orphan"])
        self.assertIn(self.name, self.vault.list("auth/token/roles")["data"]["keys"])
        auth = self.vault.write("auth/token/create/" + self.name)["auth"]
        self.assertTrue(auth["orphan"])
        self.assertEqual(7200, auth["lease_duration"])
        self.vault.delete(role_path)

    def test_orphan_and_batch(self):
        self.assertTrue(self.vault.auth.token.create(no_parent=True, ttl="1h")["auth"]["orphan"])
        batch = self.vault.write("auth/token/create", type="batch", policies=["default"], ttl="1h")["auth"]
        self.assertEqual("batch", batch["token_type"])
        self.assertTrue(client(batch["client_token"]).is_authenticated())

    def test_accessors(self):
        auth = self.vault.auth.token.create(ttl="1h")["auth"]
        self.assertIn(auth["accessor"], self.vault.auth.token.list_accessors()["data"]["keys"])
        self.vault.auth.token.revoke_accessor(auth["accessor"])
        self.assertFalse(client(auth["client_token"]).is_authenticated())


class Policies(Base):
    def test_policies_decide(self):
        self.vault.sys.enable_secrets_engine("kv", path=self.name, options={"version": "1"})
        self.vault.sys.create_or_update_policy(
            self.name, 'path "%s/ok/*" { capabilities = ["create", "read", "update", "list"] }' % self.name
        )
        self.assertIn(self.name, self.vault.sys.list_policies()["data"]["policies"])
        self.assertIn(self.name, self.vault.sys.read_policy(self.name)["data"]["rules"])
        token = self.vault.auth.token.create(policies=[self.name])["auth"]["client_token"]
        mine = client(token)
        mine.secrets.kv.v1.create_or_update_secret("ok/a", {"k": "v"}, mount_point=self.name)
        with self.assertRaisesRegex(exceptions.Forbidden, "permission denied"):
            mine.secrets.kv.v1.create_or_update_secret("no/a", {"k": "v"}, mount_point=self.name)
        capabilities = mine.sys.get_capabilities(paths=["%s/ok/a" % self.name, "%s/no" % self.name])
        self.assertEqual(["deny"], capabilities["%s/no" % self.name])
        self.assertEqual(
            ["create", "list", "read", "update"], sorted(capabilities["%s/ok/a" % self.name])
        )
        self.vault.sys.delete_policy(self.name)

    def test_acl_policies_as_objects(self):
        self.vault.sys.create_or_update_policy(self.name, {"path": {"x/*": {"capabilities": ["read"]}}})
        self.assertIn("x/*", self.vault.sys.read_policy(self.name)["data"]["rules"])


class UserPass(Base):
    def setUp(self):
        super().setUp()
        self.vault.sys.enable_auth_method("userpass", path=self.name)

    def tearDown(self):
        self.vault.sys.disable_auth_method(self.name)

    def test_log_in(self):
        api = self.vault.auth.userpass
        api.create_or_update_user("ann", "correct horse", policies=["default"], mount_point=self.name)
        self.assertEqual(["ann"], api.list_user(mount_point=self.name)["data"]["keys"])
        mine = client("")
        auth = mine.auth.userpass.login("ann", "correct horse", mount_point=self.name)["auth"]
        self.assertEqual({"username": "ann"}, auth["metadata"])
        self.assertTrue(mine.is_authenticated())
        with self.assertRaises(exceptions.InvalidRequest):
            client("").auth.userpass.login("ann", "wrong", mount_point=self.name)
        api.update_password_on_user("ann", "battery staple", mount_point=self.name)
        client("").auth.userpass.login("ann", "battery staple", mount_point=self.name)
        api.delete_user("ann", mount_point=self.name)


class AppRole(Base):
    def setUp(self):
        super().setUp()
        self.vault.sys.enable_auth_method("approle", path=self.name)
        self.api = self.vault.auth.approle

    def tearDown(self):
        self.vault.sys.disable_auth_method(self.name)

    def test_log_in(self):
        self.api.create_or_update_approle(
            "app", token_policies=["default"], token_ttl="10m", secret_id_num_uses=2, mount_point=self.name
        )
        self.assertEqual(["app"], self.api.list_roles(mount_point=self.name)["data"]["keys"])
        self.assertEqual(600, self.api.read_role("app", mount_point=self.name)["data"]["token_ttl"])
        role_id = self.api.read_role_id("app", mount_point=self.name)["data"]["role_id"]
        made = self.api.generate_secret_id("app", metadata={"k": "v"}, mount_point=self.name)["data"]
        mine = client("")
        auth = mine.auth.approle.login(role_id, made["secret_id"], mount_point=self.name)["auth"]
        self.assertEqual(600, auth["lease_duration"])
        self.assertEqual("app", auth["metadata"]["role_name"])
        mine.auth.approle.login(role_id, made["secret_id"], mount_point=self.name)
        with self.assertRaisesRegex(exceptions.InvalidRequest, "invalid role or secret ID"):
            mine.auth.approle.login(role_id, made["secret_id"], mount_point=self.name)

    def test_secret_ids(self):
        self.api.create_or_update_approle("app", mount_point=self.name)
        made = self.api.generate_secret_id("app", mount_point=self.name)["data"]
        looked = self.api.read_secret_id("app", made["secret_id"], mount_point=self.name)["data"]
        self.assertEqual(made["secret_id_accessor"], looked["secret_id_accessor"])
        accessors = self.api.list_secret_id_accessors("app", mount_point=self.name)["data"]["keys"]
        self.assertEqual([made["secret_id_accessor"]], accessors)
        self.api.read_secret_id_accessor("app", made["secret_id_accessor"], mount_point=self.name)
        self.api.destroy_secret_id_accessor("app", made["secret_id_accessor"], mount_point=self.name)
        self.api.create_custom_secret_id("app", "my-own-id", mount_point=self.name)
        self.api.destroy_secret_id("app", "my-own-id", mount_point=self.name)
        self.api.update_role_id("app", "chosen", mount_point=self.name)
        self.assertEqual(
            "chosen", self.api.read_role_id("app", mount_point=self.name)["data"]["role_id"]
        )
        self.api.delete_role("app", mount_point=self.name)


class System(Base):
    def test_mounts(self):
        self.vault.sys.enable_secrets_engine(
            "kv", path=self.name, description="d", config={"default_lease_ttl": "1h"}
        )
        listed = self.vault.sys.list_mounted_secrets_engines()
        self.assertEqual("kv", listed["data"][self.name + "/"]["type"])
        self.assertEqual("kv", listed[self.name + "/"]["type"])
        self.vault.sys.tune_mount_configuration(self.name, default_lease_ttl="2h", description="e")
        config = self.vault.sys.read_mount_configuration(self.name)["data"]
        self.assertEqual(7200, config["default_lease_ttl"])
        self.vault.sys.move_backend(self.name, self.name + "-moved")
        self.assertIn(self.name + "-moved/", self.vault.sys.list_mounted_secrets_engines()["data"])
        self.vault.sys.disable_secrets_engine(self.name + "-moved")

    def test_auth_methods(self):
        self.vault.sys.enable_auth_method("approle", path=self.name, description="d")
        self.assertIn(self.name + "/", self.vault.sys.list_auth_methods()["data"])
        self.vault.sys.tune_auth_method(self.name, default_lease_ttl="1h", listing_visibility="unauth")
        tuning = self.vault.sys.read_auth_method_tuning(self.name)["data"]
        self.assertEqual(3600, tuning["default_lease_ttl"])
        self.assertEqual("unauth", tuning["listing_visibility"])
        self.vault.sys.disable_auth_method(self.name)

    def test_status(self):
        self.assertTrue(self.vault.sys.is_initialized())
        self.assertFalse(self.vault.sys.is_sealed())
        self.assertFalse(self.vault.sys.read_health_status(method="GET")["sealed"])
        self.assertTrue(self.vault.sys.read_health_status(method="HEAD").ok)
        self.assertIn("ha_enabled", self.vault.sys.read_leader_status())
        self.assertTrue(self.vault.seal_status["version"].startswith("1.17.0"))

    def test_keys(self):
        before = self.vault.read("sys/key-status")["data"]["term"]
        self.vault.sys.rotate_encryption_key()
        self.assertEqual(before + 1, self.vault.read("sys/key-status")["data"]["term"])

    def test_wrapping(self):
        wrapped = self.vault.write("sys/wrapping/wrap", wrap_ttl="60s", k="v")
        token = wrapped["wrap_info"]["token"]
        self.assertEqual({"k": "v"}, self.vault.sys.unwrap(token)["data"])
        with self.assertRaises(exceptions.InvalidRequest):
            self.vault.sys.unwrap(token)
        again = self.vault.auth.token.create(ttl="1h", wrap_ttl="60s")
        unwrapped = client("").sys.unwrap(again["wrap_info"]["token"])
        self.assertEqual(3600, unwrapped["auth"]["lease_duration"])

    def test_quotas(self):
        # This hvac has no methods for them; its newer ones send the same.
        limit = "sys/quotas/rate-limit/" + self.name
        self.vault.sys.enable_secrets_engine("kv", path=self.name)
        self.addCleanup(self.vault.sys.disable_secrets_engine, self.name)
        settings = {"path": self.name, "rate": 2, "interval": "1h", "block_interval": 60}
        self.vault.adapter.post("/v1/" + limit, json=settings)
        quota = self.vault.read(limit)["data"]
        self.assertEqual(self.name + "/", quota["path"])
        self.assertEqual((2, 3600, 60), (quota["rate"], quota["interval"], quota["block_interval"]))
        self.assertIn(self.name, self.vault.list("sys/quotas/rate-limit")["data"]["keys"])
        self.vault.read(self.name + "/x")
        self.vault.read(self.name + "/x")
        with self.assertRaisesRegex(exceptions.RateLimitExceeded, "rate limit quota exceeded"):
            self.vault.read(self.name + "/x")
        self.vault.delete(limit)
        self.vault.read(self.name + "/x")
        count = "sys/quotas/lease-count/" + self.name
        self.vault.sys.enable_auth_method("userpass", path=self.name)
        self.addCleanup(self.vault.sys.disable_auth_method, self.name)
        self.vault.auth.userpass.create_or_update_user("u", "p", mount_point=self.name)
        self.vault.adapter.post("/v1/" + count, json={"path": "auth/" + self.name, "max_leases": 1})
        login = lambda: client("").auth.userpass.login("u", "p", mount_point=self.name)
        token = login()["auth"]["client_token"]
        self.assertEqual(1, self.vault.read(count)["data"]["counter"])
        with self.assertRaisesRegex(exceptions.RateLimitExceeded, "lease count quota exceeded"):
            login()
        self.vault.auth.token.revoke(token)
        login()
        self.assertIn("sys/health", self.vault.read("sys/quotas/config")["data"]["rate_limit_exempt_paths"])

    def test_password_policies(self):
        path = "sys/policies/password/" + self.name
        text = 'length = 12 rule "charset" { charset = "0123456789" min-chars = 1 }'
        self.vault.write(path, policy=text)
        self.assertEqual(text, self.vault.read(path)["data"]["policy"])
        self.assertRegex(self.vault.read(path + "/generate")["data"]["password"], "^[0-9]{12}$")
        self.assertIn(self.name, self.vault.list("sys/policies/password")["data"]["keys"])
        with self.assertRaisesRegex(exceptions.InvalidRequest, "between 4 and 100"):
            self.vault.write(path, policy=text.replace("12", "3"))
        self.vault.delete(path)
        self.assertIsNone(self.vault.read(path))

    def test_audit(self):
        devices = self.vault.sys.list_enabled_audit_devices()
        self.assertIn("data", devices)
        folder = tempfile.mkdtemp(prefix="mayfly-hvac-")
        self.addCleanup(shutil.rmtree, folder)
        options = {"file_path": folder + "/audit.log"}
        self.vault.sys.enable_audit_device("file", path=self.name, options=options)
        hashed = self.vault.sys.calculate_hash(self.name, "some text")
        self.assertTrue(hashed["data"]["hash"].startswith("hmac-sha256:"))
        self.vault.sys.disable_audit_device(self.name)

    def test_cubbyhole_is_private(self):
        self.vault.write("cubbyhole/x", k="v")
        self.assertEqual({"k": "v"}, self.vault.read("cubbyhole/x")["data"])
        other = self.vault.auth.token.create(ttl="1h")["auth"]["client_token"]
        self.assertIsNone(client(other).read("cubbyhole/x"))
        self.vault.delete("cubbyhole/x")

    def test_rekey_and_generate_root_can_be_started_and_cancelled(self):
        status = self.vault.sys.start_rekey(secret_shares=1, secret_threshold=1)
        self.assertTrue(self.vault.sys.read_rekey_progress()["started"])
        self.assertTrue(status["started"] if isinstance(status, dict) and "started" in status else True)
        self.vault.sys.cancel_rekey()
        self.assertFalse(self.vault.sys.read_rekey_progress()["started"])
        progress = self.vault.sys.read_root_generation_progress()
        self.assertFalse(progress["started"])
        started = self.vault.sys.start_root_token_generation()
        self.assertTrue(started["started"])
        self.vault.sys.cancel_root_generation()


class Leases(Base):
    def setUp(self):
        super().setUp()
        self.vault.sys.enable_auth_method("userpass", path=self.name)
        self.vault.write(f"auth/{self.name}/users/ann", password="correct-horse", token_ttl="1h")
        self.vault.auth.userpass.login("ann", "correct-horse", mount_point=self.name, use_token=False)
        self.prefix = f"auth/{self.name}/login/ann"

    def tearDown(self):
        self.vault.sys.disable_auth_method(self.name)

    def lease(self):
        keys = self.vault.sys.list_leases(self.prefix)["data"]["keys"]
        self.assertEqual(1, len(keys))
        return f"{self.prefix}/{keys[0]}"

    def test_read_and_renew(self):
        lease = self.lease()
        shown = self.vault.sys.read_lease(lease)["data"]
        self.assertEqual(lease, shown["id"])
        self.assertTrue(shown["renewable"])
        self.assertIsNone(shown["last_renewal"])
        renewed = self.vault.sys.renew_lease(lease, increment=1800)
        self.assertEqual(lease, renewed["lease_id"])
        self.assertEqual(1800, renewed["lease_duration"])

    def test_revoke(self):
        lease = self.lease()
        self.vault.sys.revoke_lease(lease)
        with self.assertRaisesRegex(exceptions.InvalidRequest, "invalid lease"):
            self.vault.sys.read_lease(lease)

    def test_revoke_prefix(self):
        lease = self.lease()
        self.vault.sys.revoke_prefix(self.prefix)
        with self.assertRaisesRegex(exceptions.InvalidRequest, "invalid lease"):
            self.vault.sys.read_lease(lease)

    def test_revoke_force(self):
        lease = self.lease()
        self.vault.sys.revoke_force(self.prefix)
        with self.assertRaisesRegex(exceptions.InvalidRequest, "lease not found"):
            self.vault.sys.renew_lease(lease)


if __name__ == "__main__":
    ADDRESS, TOKEN = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1], verbosity=2)
