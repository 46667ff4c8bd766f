"""Stands in for boto3 in a rotation function written for AWS Secrets Manager, so that it works behind Mayfly unchanged.

Put this folder before boto3's own in PYTHONPATH. `client("secretsmanager")` answers the five operations that rotation
functions use, for the rotation whose event is being handled: serve.py says which that is.
"""

import json
import os
import secrets
import string
import threading
import urllib.error
import urllib.request

_event = threading.local()


def use_event(event):
    """Has the clients of this thread work for the rotation that the event belongs to."""
    _event.value = event


def client(service_name, *_, **__):
    if service_name != "secretsmanager":
        raise ValueError(f"only secretsmanager is here, not {service_name}")
    return SecretsManager(_event.value)


class ClientError(Exception):
    pass


class ResourceNotFoundException(ClientError):
    pass


class InvalidRequestException(ClientError):
    pass


class ResourceExistsException(ClientError):
    pass


class _Exceptions:
    ClientError = ClientError
    ResourceNotFoundException = ResourceNotFoundException
    InvalidRequestException = InvalidRequestException
    ResourceExistsException = ResourceExistsException


class SecretsManager:
    exceptions = _Exceptions

    def __init__(self, event):
        address = os.environ.get("MAYFLY_ADDR") or event["MayflyAddress"]
        self._url = f"{address.rstrip('/')}/v1/{event['MayflyPath']}"
        self._token = event["RotationToken"]

    def describe_secret(self, SecretId):
        return self._post("describe", SecretId=SecretId)

    def get_secret_value(self, SecretId, VersionId=None, VersionStage=None):
        return self._post("get", SecretId=SecretId, VersionId=VersionId, VersionStage=VersionStage)

    def put_secret_value(self, SecretId, ClientRequestToken, SecretString, VersionStages=None, RotationToken=None):
        return self._post(
            "put",
            SecretId=SecretId,
            ClientRequestToken=ClientRequestToken,
            SecretString=SecretString,
            VersionStages=VersionStages,
        )

    def update_secret_version_stage(self, SecretId, VersionStage, MoveToVersionId=None, RemoveFromVersionId=None):
        return self._post(
            "stage",
            SecretId=SecretId,
            VersionStage=VersionStage,
            MoveToVersionId=MoveToVersionId,
            RemoveFromVersionId=RemoveFromVersionId,
        )

    def get_random_password(self, PasswordLength=32, ExcludeCharacters="", ExcludePunctuation=False, **_):
        characters = string.ascii_letters + string.digits + ("" if ExcludePunctuation else string.punctuation)
        characters = [c for c in characters if c not in ExcludeCharacters]
        return {"RandomPassword": "".join(secrets.choice(characters) for _ in range(PasswordLength))}

    def _post(self, action, **fields):
        body = json.dumps({name: value for name, value in fields.items() if value is not None}).encode()
        request = urllib.request.Request(
            f"{self._url}/{action}",
            data=body,
            method="POST",
            headers={"Content-Type": "application/json", "X-Vault-Token": self._token, "X-Vault-Request": "true"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            message = "; ".join(json.load(error).get("errors") or [str(error)])
            kind = {404: ResourceNotFoundException, 400: InvalidRequestException, 409: ResourceExistsException}
            raise kind.get(error.code, ClientError)(message) from None
