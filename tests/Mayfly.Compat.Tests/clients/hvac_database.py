"""hvac's class for the database engine against a real PostgreSQL.

Usage: hvac_database.py ADDRESS ROOT_TOKEN PORT ADMIN PASSWORD
"""

import os
import subprocess
import sys
import unittest
import uuid

import hvac
from hvac import exceptions

ADDRESS, TOKEN, PORT, ADMIN, PASSWORD = sys.argv[1:6]
CREATION = "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';"


def psql(user, password, sql):
    return subprocess.run(
        ["psql", "-h", "127.0.0.1", "-p", PORT, "-U", user, "-d", "postgres", "-tAc", sql],
        env={**os.environ, "PGPASSWORD": password},
        capture_output=True,
        text=True,
        timeout=60,
    )


def knows(user, password):
    return psql(user, password, "SELECT 1").returncode == 0


class Database(unittest.TestCase):
    def setUp(self):
        self.vault = hvac.Client(url=ADDRESS, token=TOKEN)
        self.name = "t" + uuid.uuid4().hex[:10]
        self.vault.sys.enable_secrets_engine("database", path=self.name)
        self.addCleanup(self.vault.sys.disable_secrets_engine, self.name)
        self.database = self.vault.secrets.database

    def configure(self, **more):
        self.database.configure(
            "db",
            "postgresql-database-plugin",
            allowed_roles=more.pop("allowed_roles", ["*"]),
            mount_point=self.name,
            connection_url="postgresql://{{username}}:{{password}}@127.0.0.1:%s/postgres?sslmode=disable" % PORT,
            username=more.pop("username", ADMIN),
            password=more.pop("password", PASSWORD),
            **more
        )

    def test_configurations(self):
        self.configure(allowed_roles=["app", "other"])
        self.assertEqual(["db"], self.database.list_connections(mount_point=self.name)["data"]["keys"])
        shown = self.database.read_connection("db", mount_point=self.name)["data"]
        self.assertEqual("postgresql-database-plugin", shown["plugin_name"])
        self.assertEqual(["app", "other"], shown["allowed_roles"])
        self.assertEqual(ADMIN, shown["connection_details"]["username"])
        self.assertNotIn("password", shown["connection_details"])
        self.database.reset_connection("db", mount_point=self.name)
        self.database.delete_connection("db", mount_point=self.name)
        with self.assertRaises(exceptions.InvalidPath):
            self.database.read_connection("db", mount_point=self.name)

    def test_a_wrong_password_is_refused(self):
        with self.assertRaisesRegex(exceptions.InvalidRequest, "error creating database object"):
            self.configure(password="wrong")

    def test_credentials(self):
        self.configure()
        self.database.create_role("app", "db", [CREATION], default_ttl="10m", max_ttl="1h", mount_point=self.name)
        role = self.database.read_role("app", mount_point=self.name)["data"]
        self.assertEqual([CREATION], role["creation_statements"])
        self.assertEqual((600, 3600), (role["default_ttl"], role["max_ttl"]))
        self.assertEqual(["app"], self.database.list_roles(mount_point=self.name)["data"]["keys"])
        reply = self.database.generate_credentials("app", mount_point=self.name)
        self.assertEqual((600, True), (reply["lease_duration"], reply["renewable"]))
        user, password = reply["data"]["username"], reply["data"]["password"]
        self.assertTrue(knows(user, password))
        self.assertEqual(900, self.vault.sys.renew_lease(reply["lease_id"], increment=900)["lease_duration"])
        self.vault.adapter.put("/v1/sys/leases/revoke", json={"lease_id": reply["lease_id"], "sync": True})
        self.assertFalse(knows(user, password))
        self.database.delete_role("app", mount_point=self.name)
        with self.assertRaisesRegex(exceptions.InvalidRequest, "unknown role"):
            self.database.generate_credentials("app", mount_point=self.name)

    def test_disabling_the_engine_ends_its_users(self):
        self.configure()
        self.database.create_role("app", "db", [CREATION], mount_point=self.name)
        data = self.database.generate_credentials("app", mount_point=self.name)["data"]
        self.vault.sys.disable_secrets_engine(self.name)
        self.assertFalse(knows(data["username"], data["password"]))

    def test_static_roles(self):
        user = "static_" + self.name
        self.assertEqual(0, psql(ADMIN, PASSWORD, "CREATE ROLE %s LOGIN PASSWORD 'before'" % user).returncode)
        self.configure()
        self.database.create_static_role("fixed", "db", user, [], rotation_period=3600, mount_point=self.name)
        self.assertEqual(["fixed"], self.database.list_static_roles(mount_point=self.name)["data"]["keys"])
        data = self.database.get_static_credentials("fixed", mount_point=self.name)["data"]
        self.assertEqual((user, 3600), (data["username"], data["rotation_period"]))
        self.assertTrue(knows(user, data["password"]))
        self.assertFalse(knows(user, "before"))
        self.vault.adapter.post("/v1/%s/rotate-role/fixed" % self.name)
        self.assertFalse(knows(user, data["password"]))
        self.database.delete_static_role("fixed", mount_point=self.name)
        with self.assertRaises(exceptions.InvalidRequest):
            self.database.get_static_credentials("fixed", mount_point=self.name)

    def test_root_rotation(self):
        user = "root_" + self.name
        self.assertEqual(
            0, psql(ADMIN, PASSWORD, "CREATE ROLE %s SUPERUSER LOGIN PASSWORD 'before'" % user).returncode
        )
        self.configure(username=user, password="before")
        self.database.rotate_root_credentials("db", mount_point=self.name)
        self.assertFalse(knows(user, "before"))
        self.database.create_role("app", "db", [CREATION], mount_point=self.name)
        data = self.database.generate_credentials("app", mount_point=self.name)["data"]
        self.assertTrue(knows(data["username"], data["password"]))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
