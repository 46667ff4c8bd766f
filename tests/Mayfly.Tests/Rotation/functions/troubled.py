"""accounts.py with what a test wants to go wrong: a file TROUBLE says at which step, and what.

"before STEP" and "after STEP" wait there until the file is gone; "fail STEP" fails after the step has been carried out, with
the new password in its message.
"""

import json
import os
import time

import accounts

TROUBLE = os.environ["TROUBLE"]


def lambda_handler(event, context):
    wait("before", event["Step"])
    accounts.lambda_handler(event, context)
    wait("after", event["Step"])
    if trouble() == f"fail {event['Step']}":
        client = accounts.boto3.client("secretsmanager")
        secret = client.get_secret_value(SecretId=event["SecretId"], VersionId=event["ClientRequestToken"])
        pending = json.loads(secret["SecretString"])
        os.remove(TROUBLE)
        raise RuntimeError(f"{pending['username']} cannot use {pending['password']}")


def wait(when, step):
    if trouble() == f"{when} {step}":
        with open(TROUBLE + ".met", "w", encoding="utf-8"):
            pass
        while trouble():
            time.sleep(0.01)


def trouble():
    try:
        with open(TROUBLE, encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""
