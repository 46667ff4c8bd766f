"""Lets hvac own a server, the way that client libraries' own test suites do. Usage: hvac_server.py PROGRAM

They start "vault server -config=FILE" or "vault server -dev", wait until it answers, initialise and unseal it
through the library, and read keys from its output. PROGRAM takes the place of vault.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import hvac

PROGRAM = ""
PATIENCE = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mayfly-hvac-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.symlink(PROGRAM, os.path.join(self.folder, "vault"))
        self.environment = dict(os.environ, HOME=self.folder, PATH=self.folder + ":" + os.environ["PATH"])

    def start(self, arguments, client):
        """Starts vault with arguments(port) until it answers; another port when somebody took that one."""
        for _ in range(5):
            port = free_port()
            log = open(os.path.join(self.folder, "vault.log"), "w+")
            self.addCleanup(log.close)
            process = subprocess.Popen(
                ["vault", "server"] + arguments(port), env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            vault = client(port)
            for _ in range(PATIENCE * 10):
                try:
                    vault.sys.is_initialized()
                    return process, vault, log.name
                except Exception:
                    if process.poll() is not None:
                        break
                    time.sleep(0.1)
            with open(log.name) as said:
                output = said.read()
            if "in use" not in output:
                self.fail("vault did not start:\n" + output)
        self.fail("no port was free")

    def config(self, name, **more):
        def arguments(port):
            path = os.path.join(self.folder, name)
            listener = {"address": "127.0.0.1:%d" % port}
            listener.update(more.get("listener", {"tls_disable": True}))
            with open(path, "w") as file:
                json.dump(
                    {
                        more.get("word", "storage"): more["storage"],
                        "listener": {"tcp": listener},
                        "disable_mlock": True,
                        "default_lease_ttl": "768h",
                        "max_lease_ttl": "768h",
                    },
                    file,
                )
            return ["-config=" + path]

        return arguments

    def use(self, vault):
        vault.sys.enable_secrets_engine("kv", path="mine", options={"version": "1"})
        vault.secrets.kv.v1.create_or_update_secret("a", {"k": "v"}, mount_point="mine")
        self.assertEqual({"k": "v"}, vault.secrets.kv.v1.read_secret("a", mount_point="mine")["data"])

    def test_with_a_configuration_in_json(self):
        _, vault, _ = self.start(
            self.config("vault.json", storage={"inmem": {}}),
            lambda port: hvac.Client(url="http://127.0.0.1:%d" % port),
        )
        self.assertFalse(vault.sys.is_initialized())
        keys = vault.sys.initialize(secret_shares=5, secret_threshold=3)
        self.assertEqual(5, len(keys["keys"]))
        self.assertEqual(5, len(keys["keys_base64"]))
        self.assertTrue(vault.sys.is_initialized())
        self.assertTrue(vault.sys.is_sealed())
        self.assertEqual(1, vault.sys.submit_unseal_key(keys["keys"][4])["progress"])
        vault.sys.submit_unseal_key(reset=True)
        self.assertFalse(vault.sys.submit_unseal_keys(keys["keys"][:3])["sealed"])
        vault.token = keys["root_token"]
        self.use(vault)
        vault.sys.seal()
        self.assertTrue(vault.sys.is_sealed())
        vault.sys.submit_unseal_keys(keys["keys_base64"][1:4])
        self.use_again(vault)

    def use_again(self, vault):
        self.assertEqual({"k": "v"}, vault.secrets.kv.v1.read_secret("a", mount_point="mine")["data"])

    def test_over_tls_as_its_own_suite_does(self):
        made = os.path.join(self.folder, "tls")
        subprocess.run(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
            " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout %s.key -out %s.pem" % (made, made),
            shell=True,
            check=True,
            capture_output=True,
        )
        _, vault, _ = self.start(
            self.config(
                "tls.json",
                word="backend",
                storage={"inmem": {}},
                listener={
                    "tls_cert_file": made + ".pem",
                    "tls_key_file": made + ".key",
                    "tls_min_version": "tls12",
                },
            ),
            lambda port: hvac.Client(url="https://localhost:%d" % port, verify=made + ".pem"),
        )
        keys = vault.sys.initialize()
        vault.sys.submit_unseal_keys(keys["keys"])
        vault.token = keys["root_token"]
        self.use(vault)

    def test_a_file_store_outlives_the_server(self):
        storage = {"file": {"path": os.path.join(self.folder, "data")}}
        config = self.config("file.json", storage=storage)
        process, vault, _ = self.start(config, lambda port: hvac.Client(url="http://127.0.0.1:%d" % port))
        keys = vault.sys.initialize(secret_shares=1, secret_threshold=1)
        vault.sys.submit_unseal_keys(keys["keys"])
        vault.token = keys["root_token"]
        self.use(vault)
        process.kill()
        process.wait()
        _, vault, _ = self.start(
            config, lambda port: hvac.Client(url="http://127.0.0.1:%d" % port, token=keys["root_token"])
        )
        self.assertTrue(vault.sys.is_sealed())
        vault.sys.submit_unseal_keys(keys["keys"])
        self.use_again(vault)

    def test_a_development_server_prints_its_unseal_key(self):
        _, vault, log = self.start(
            lambda port: ["-dev", "-dev-root-token-id=T", "-dev-listen-address=127.0.0.1:%d" % port],
            lambda port: hvac.Client(url="http://127.0.0.1:%d" % port, token="T"),
        )
        self.assertTrue(vault.is_authenticated())
        with open(log) as said:
            lines = said.read().splitlines()
        self.assertIn("Root Token: T", lines)
        key = next(line.split(": ")[1] for line in lines if line.startswith("Unseal Key: "))
        with open(os.path.join(self.folder, ".vault-token")) as token:
            self.assertEqual("T", token.read().strip())
        vault.sys.seal()
        self.assertTrue(vault.sys.is_sealed())
        vault.sys.submit_unseal_key(key)
        self.assertFalse(vault.sys.is_sealed())


if __name__ == "__main__":
    PROGRAM = sys.argv[1]
    unittest.main(argv=sys.argv[:1], verbosity=2)
