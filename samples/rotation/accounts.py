"""A rotation function in the form that AWS Secrets Manager calls: four steps, told apart by event["Step"].

What it rotates is the password of one account in a file of accounts ({"name": "password"}), which stands for whatever checks
passwords. The secret is {"username": ..., "password": ...}.
"""

import json
import os

import boto3

ACCOUNTS = os.environ["ACCOUNTS"]


def lambda_handler(event, context):
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    client = boto3.client("secretsmanager")
    description = client.describe_secret(SecretId=arn)
    stages = description["VersionIdsToStages"].get(token)
    if not description.get("RotationEnabled") or stages is None:
        raise ValueError("this version is not one to rotate to")
    if "AWSCURRENT" in stages:
        return
    if "AWSPENDING" not in stages:
        raise ValueError("this version is not pending")
    {
        "createSecret": create_secret,
        "setSecret": set_secret,
        "testSecret": test_secret,
        "finishSecret": finish_secret,
    }[step](client, arn, token)


def create_secret(client, arn, token):
    current = read(client, arn, "AWSCURRENT")
    try:
        read(client, arn, "AWSPENDING", token)
    except client.exceptions.ResourceNotFoundException:
        password = client.get_random_password(PasswordLength=24, ExcludePunctuation=True)["RandomPassword"]
        client.put_secret_value(
            SecretId=arn,
            ClientRequestToken=token,
            SecretString=json.dumps({**current, "password": password}),
            VersionStages=["AWSPENDING"],
        )


def set_secret(client, arn, token):
    pending = read(client, arn, "AWSPENDING", token)
    accounts = load()
    if logs_in(accounts, pending):
        return
    known = [read(client, arn, "AWSCURRENT")]
    try:
        known.append(read(client, arn, "AWSPREVIOUS"))
    except client.exceptions.ResourceNotFoundException:
        pass
    if not any(logs_in(accounts, secret) for secret in known):
        raise ValueError("no known password of the account works")
    accounts[pending["username"]] = pending["password"]
    save(accounts)


def test_secret(client, arn, token):
    if not logs_in(load(), read(client, arn, "AWSPENDING", token)):
        raise ValueError("the new password does not work")


def finish_secret(client, arn, token):
    stages = client.describe_secret(SecretId=arn)["VersionIdsToStages"]
    current = next((version for version, labels in stages.items() if "AWSCURRENT" in labels), None)
    if current != token:
        client.update_secret_version_stage(
            SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
        )
        client.update_secret_version_stage(SecretId=arn, VersionStage="AWSPENDING", RemoveFromVersionId=token)


def read(client, arn, stage, token=None):
    version = {"VersionId": token} if token else {}
    return json.loads(client.get_secret_value(SecretId=arn, VersionStage=stage, **version)["SecretString"])


def logs_in(accounts, secret):
    return accounts.get(secret["username"]) == secret["password"]


def load():
    with open(ACCOUNTS, encoding="utf-8") as file:
        return json.load(file)


def save(accounts):
    with open(ACCOUNTS + ".next", "w", encoding="utf-8") as file:
        json.dump(accounts, file)
    os.replace(ACCOUNTS + ".next", ACCOUNTS)
