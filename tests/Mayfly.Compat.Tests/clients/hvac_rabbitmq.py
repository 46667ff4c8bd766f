"""hvac's class for the RabbitMQ engine against a real broker.

Usage: hvac_rabbitmq.py ADDRESS ROOT_TOKEN MANAGEMENT_API ADMIN PASSWORD
"""

import base64
import json
import sys
import unittest
import urllib.error
import urllib.request
import uuid

import hvac
from hvac import exceptions

ADDRESS, TOKEN, API, ADMIN, PASSWORD = sys.argv[1:6]


def knows(user, password):
    """Whether the broker lets the user in: the only question that a user without tags may ask is refused differently."""
    call = urllib.request.Request(API + "/api/whoami")
    call.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
    try:
        urllib.request.urlopen(call, timeout=30)
        return True
    except urllib.error.HTTPError as error:
        return "Not management user" in error.read().decode()


class RabbitMq(unittest.TestCase):
    def setUp(self):
        self.vault = hvac.Client(url=ADDRESS, token=TOKEN)
        self.name = "t" + uuid.uuid4().hex[:10]
        self.vault.sys.enable_secrets_engine("rabbitmq", path=self.name)
        self.addCleanup(self.vault.sys.disable_secrets_engine, self.name)
        self.rabbit = self.vault.secrets.rabbitmq

    def test_credentials(self):
        self.rabbit.configure(API, ADMIN, PASSWORD, mount_point=self.name)
        self.rabbit.configure_lease(600, 3600, mount_point=self.name)
        vhosts = json.dumps({"/": {"configure": "", "write": ".*", "read": ".*"}})
        self.rabbit.create_role("shop", tags="monitoring", vhosts=vhosts, mount_point=self.name)
        role = self.rabbit.read_role("shop", mount_point=self.name)["data"]
        self.assertEqual("monitoring", role["tags"])
        self.assertEqual(".*", role["vhosts"]["/"]["write"])
        reply = self.rabbit.generate_credentials("shop", mount_point=self.name)
        self.assertEqual(600, reply["lease_duration"])
        self.assertTrue(reply["renewable"])
        user, password = reply["data"]["username"], reply["data"]["password"]
        self.assertTrue(knows(user, password))
        self.assertEqual(900, self.vault.sys.renew_lease(reply["lease_id"], increment=900)["lease_duration"])
        self.vault.adapter.put("/v1/sys/leases/revoke", json={"lease_id": reply["lease_id"], "sync": True})
        self.assertFalse(knows(user, password))
        self.rabbit.delete_role("shop", mount_point=self.name)
        with self.assertRaises(exceptions.InvalidRequest):
            self.rabbit.generate_credentials("shop", mount_point=self.name)

    def test_disabling_the_engine_ends_its_users(self):
        self.rabbit.configure(API, ADMIN, PASSWORD, mount_point=self.name)
        self.rabbit.create_role("shop", tags="monitoring", mount_point=self.name)
        data = self.rabbit.generate_credentials("shop", mount_point=self.name)["data"]
        self.assertTrue(knows(data["username"], data["password"]))
        self.vault.sys.disable_secrets_engine(self.name)
        self.assertFalse(knows(data["username"], data["password"]))

    def test_wrong_password(self):
        with self.assertRaisesRegex(exceptions.InvalidRequest, "its password is wrong"):
            self.rabbit.configure(API, ADMIN, "wrong", mount_point=self.name)
        self.rabbit.configure(API, ADMIN, "wrong", verify_connection=False, mount_point=self.name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
