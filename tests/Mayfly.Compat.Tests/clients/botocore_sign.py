"""Signs requests as boto does: one JSON object on a line in, the Authorization header on a line out."""

import json
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

for line in sys.stdin:
    asked = json.loads(line)
    request = AWSRequest(
        method=asked["method"],
        url=asked["url"],
        headers=asked["headers"],
        data=asked["body"].encode(),
    )
    signer = SigV4Auth(
        Credentials(asked["accessKey"], asked["secretKey"], asked["token"]), "secretsmanager", asked["region"]
    )
    # What add_auth does, at the time that is asked for.
    request.context["timestamp"] = asked["headers"]["X-Amz-Date"]
    signer._modify_request_before_signing(request)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))
    print(request.headers["Authorization"], flush=True)
