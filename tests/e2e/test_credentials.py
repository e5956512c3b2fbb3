"""Credentials that have to be asked for: keys of AWS, signed tokens. All servers are scripted, on
loopback; that signatures are right is told by Python's hmac and by openssl."""
import datetime
import json
import os
import time
import unittest

from harness import pages
from harness.agent import config, endpoint, job
from harness.case import Case
from harness.peers import get
from harness.tokens import Cloud, RsaKey, Tokens, sigv4

ROLES = "/latest/meta-data/iam/security-credentials/"


def expires(seconds: float) -> str:
    return (datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


class Aws(Cloud):
    """The instance's metadata, a container's credentials and the Security Token Service. Keys are
    numbered: id-1 with hush-1, …"""

    def __init__(self, lasts: float = 3600):
        self.lasts = lasts
        self.given = 0
        super().__init__(self.answer)

    def answer(self, asked):
        if asked.method == "PUT":
            return 200, "metadata-token"
        if asked.path == ROLES:
            return 200, "my-role"
        self.given += 1
        n = self.given
        if asked.method == "GET":
            return 200, {"Code": "Success", "AccessKeyId": f"id-{n}",
                         "SecretAccessKey": f"hush-{n}", "Token": f"session-{n}",
                         "Expiration": expires(self.lasts)}
        action = asked.form["Action"]
        return 200, (f"<{action}Response><{action}Result><Credentials>"
                     f"<AccessKeyId>id-{n}</AccessKeyId>"
                     f"<SecretAccessKey>hush-{n}</SecretAccessKey>"
                     f"<SessionToken>session-{n}</SessionToken>"
                     f"<Expiration>{expires(self.lasts)}</Expiration></Credentials>"
                     f"</{action}Result></{action}Response>")


class Credentials(Case):
    def run_agent(self, environment: dict = None, **settings):
        """An agent with one endpoint, in an environment that has nothing else of a cloud."""
        exporter = self.exporter(lambda n: pages.gauges(3, n))
        self.receiver_ = self.receiver()
        agent = self.agent(config([job("a", exporter.address)], [
            endpoint(self.receiver_.url, name="central", **settings)]), start=False)
        clean = {k: v for k, v in os.environ.items()
                 if not k.startswith(("AWS_", "AZURE_", "GOOGLE_", "GCE_", "IDENTITY_", "MSI_"))}
        agent.process.env = {**clean, "HOME": str(self.work), **(environment or {})}
        return agent.start()

    def requests(self, more_than: int = 3) -> list:
        self.wait(lambda: self.receiver_.count() > more_than, "samples")
        return self.receiver_.seen()

    def hidden(self, agent, *secrets) -> None:
        shown = get(f"{agent.url}/api/v1/status/config").decode() + agent.process.log()
        for secret in secrets:
            self.assertNotIn(secret, shown)

    # ---- sigv4 ----

    def signed(self, request, region: str, secret: str, session: str = None) -> None:
        self.assertEqual(sigv4(request, region, "aps", secret),
                         request.headers["authorization"].split("Signature=")[1])
        self.assertEqual(session, request.headers.get("x-amz-security-token"))

    def test_requests_are_signed_for_aws(self):
        agent = self.run_agent(sigv4={"region": "eu-west-1", "access_key": "id",
                                      "secret_key": "hush"})
        for request in self.requests():
            self.signed(request, "eu-west-1", "hush")
        self.hidden(agent, "hush")
        self.assertEqual(0, agent.stop())

    def test_keys_of_the_instance(self):
        cloud = self.stopped(Aws())
        cloud.trouble = (503, "away")
        agent = self.run_agent({"AWS_EC2_METADATA_SERVICE_ENDPOINT": cloud.url,
                                "AWS_REGION": "eu-west-2"}, sigv4={})
        self.wait(lambda: "sigv4: cannot get a token from " + cloud.url in agent.process.log(),
                  "the reason")
        self.assertEqual(0, self.receiver_.count())
        with cloud.mutex:
            cloud.trouble = None
        for request in self.requests():
            self.signed(request, "eu-west-2", "hush-1", "session-1")
        self.assertEqual(["/latest/api/token", ROLES, ROLES + "my-role"],
                         [a.path for a in cloud.seen()][-3:])
        self.assertEqual("metadata-token", cloud.seen()[-1].headers["x-aws-ec2-metadata-token"])
        self.hidden(agent, "hush-1", "session-1", "metadata-token")
        self.assertEqual(0, agent.stop())

    def test_keys_that_expire_are_asked_for_again(self):
        cloud = self.stopped(Aws(lasts=62))  # used until a minute before
        agent = self.run_agent({"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{cloud.url}/keys",
                                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "for-the-container",
                                "AWS_DEFAULT_REGION": "eu-west-3"}, sigv4={})
        self.requests()
        self.wait(lambda: cloud.given > 2, "other keys")
        self.assertEqual({"/keys"}, {a.path for a in cloud.seen()})
        self.assertEqual({"for-the-container"},
                         {a.headers["authorization"] for a in cloud.seen()})
        self.requests(self.receiver_.count() + 1)
        for request in self.receiver_.seen():
            n = request.headers["x-amz-security-token"].removeprefix("session-")
            self.signed(request, "eu-west-3", f"hush-{n}", f"session-{n}")
        # the service goes away: what is good is used on
        with cloud.mutex:
            cloud.trouble = (500, "oops")
        self.wait(lambda: "those before are used until they expire" in agent.process.log(),
                  "a word about it")
        self.requests(self.receiver_.count() + 1)
        self.hidden(agent, "hush-", "session-", "for-the-container")
        self.assertEqual(0, agent.stop())

    def test_a_role_of_a_web_identity(self):
        cloud = self.stopped(Aws())
        (self.work / "web").write_text("web-token\n")
        agent = self.run_agent(
            {"AWS_WEB_IDENTITY_TOKEN_FILE": str(self.work / "web"), "AWS_ROLE_ARN": "arn:web",
             "AWS_ENDPOINT_URL_STS": f"{cloud.url}/"},
            sigv4={"region": "eu-west-1", "role_arn": "arn:next", "external_id": "outside"})
        for request in self.requests():
            self.signed(request, "eu-west-1", "hush-2", "session-2")
        web, role = cloud.seen()
        self.assertEqual(("AssumeRoleWithWebIdentity", "arn:web", "web-token"), tuple(
            web.form[k] for k in ("Action", "RoleArn", "WebIdentityToken")))
        self.assertNotIn("authorization", web.headers)
        self.assertEqual(("AssumeRole", "arn:next", "outside", "900"), tuple(
            role.form[k] for k in ("Action", "RoleArn", "ExternalId", "DurationSeconds")))
        self.assertEqual(sigv4(role, "eu-west-1", "sts", "hush-1", role.body.encode()),
                         role.headers["authorization"].split("Signature=")[1])
        self.assertEqual("session-1", role.headers["x-amz-security-token"])
        self.hidden(agent, "hush-", "session-", "web-token")
        self.assertEqual(0, agent.stop())

    def test_a_profile_and_refused_keys(self):
        (self.work / ".aws").mkdir()
        credentials = self.work / ".aws" / "credentials"
        credentials.write_text("[work]\naws_access_key_id = old\naws_secret_access_key = hush-o\n")
        (self.work / ".aws" / "config").write_text("[profile work]\nregion = eu-south-1\n")
        agent = self.run_agent({"AWS_ACCESS_KEY_ID": "environment",
                                "AWS_SECRET_ACCESS_KEY": "hush-e"}, sigv4={"profile": "work"})
        for request in self.requests():
            self.signed(request, "eu-south-1", "hush-o")
        self.hidden(agent, "hush-")
        self.assertEqual(0, agent.stop())

    # ---- oauth2 with a signed token ----

    def test_a_signed_token_for_a_token(self):
        tokens = self.stopped(Tokens())
        key = RsaKey(self.work)
        agent = self.run_agent(oauth2={
            "client_id": "me", "token_url": tokens.url, "scopes": ["a", "b"],
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "client_certificate_key_file": str(key.path), "client_certificate_key_id": "k1",
            "signature_algorithm": "RS384", "audience": "them", "claims": {"n": 1},
            "endpoint_params": {"resource": "r"}})
        self.assertEqual({"Bearer token-1"},
                         {r.headers["authorization"] for r in self.requests()})
        (authorization, form), = tokens.asked
        self.assertIsNone(authorization)
        assertion = form.pop("assertion")[0]
        self.assertEqual({"grant_type": ["urn:ietf:params:oauth:grant-type:jwt-bearer"],
                          "scope": ["a b"], "resource": ["r"]}, form)
        head, claims = key.claims(assertion, "sha384")
        self.assertEqual({"alg": "RS384", "typ": "JWT", "kid": "k1"}, head)
        self.assertAlmostEqual(time.time(), claims.pop("iat"), delta=300)
        self.assertAlmostEqual(time.time() + 600, claims.pop("exp"), delta=300)
        self.assertEqual(36, len(claims.pop("jti")))
        self.assertEqual({"iss": "me", "sub": "me", "aud": "them", "scope": "a b", "n": 1}, claims)
        # another key in the file: the token is given up
        other = RsaKey(self.work, "other")
        other.path.replace(key.path)
        self.wait(lambda: len(tokens.asked) > 1, "another token")
        self.assertIsNotNone(other.claims(tokens.asked[1][1]["assertion"][0], "sha384"))
        key.path.write_text("hush is no key")
        self.wait(lambda: "the key is no RSA key in PEM" in agent.process.log(), "the reason")
        self.hidden(agent, "hush is no", "token-1", assertion)
        self.assertEqual(0, agent.stop())

    # ---- azuread, google_iam ----

    def bearers(self) -> set:
        return {r.headers["authorization"] for r in self.receiver_.seen()}

    @staticmethod
    def numbered(lasts: int):
        """token-1, token-2, … to whoever asks."""
        given = []

        def script(_):
            given.append(1)
            return 200, {"access_token": f"token-{len(given)}", "token_type": "Bearer",
                         "expires_in": str(lasts)}
        return script

    def test_an_identity_of_azure(self):
        cloud = self.stopped(Cloud(self.numbered(20)))
        cloud.trouble = (400, {"error": "invalid_request",
                               "error_description": "Identity not found"})
        agent = self.run_agent({"AZURE_POD_IDENTITY_AUTHORITY_HOST": cloud.url},
                               azuread={"managed_identity": {}})
        self.wait(lambda: "400: invalid_request: Identity not found" in agent.process.log(),
                  "the reason")
        with cloud.mutex:
            cloud.asked.clear()
            cloud.trouble = None
        self.requests()
        asked = cloud.seen()[0]
        self.assertEqual({"api-version": "2018-02-01", "resource": "https://monitor.azure.com/"},
                         asked.query)
        self.assertEqual("true", asked.headers["metadata"])
        # half of its life over: another; then garbage: what is good is used on
        self.wait(lambda: "Bearer token-2" in self.bearers(), "another token")
        with cloud.mutex:
            cloud.trouble = (200, "<html>")
        self.wait(lambda: "those before are used until they expire" in agent.process.log(),
                  "a word about it")
        self.requests(self.receiver_.count() + 1)
        self.hidden(agent, "token-1", "token-2")
        self.assertEqual(0, agent.stop())

    def test_a_workload_of_azure(self):
        cloud = self.stopped(Cloud(self.numbered(3600)))
        (self.work / "identity").write_text("workload-token")
        one = "00000000-a12b-3cd4-e56f-000000000001"
        agent = self.run_agent(
            {"AZURE_AUTHORITY_HOST": f"{cloud.url}/"},
            azuread={"cloud": "AzureGovernment", "workload_identity": {
                "client_id": one, "tenant_id": one,
                "token_file_path": str(self.work / "identity")}})
        self.requests()
        self.assertEqual({"Bearer token-1"}, self.bearers())
        asked, = cloud.seen()
        self.assertEqual(f"/{one}/oauth2/v2.0/token", asked.path)
        self.assertEqual(("workload-token", "https://monitor.azure.us//.default"),
                         (asked.form["client_assertion"], asked.form["scope"]))
        self.hidden(agent, "workload-token", "token-1")
        self.assertEqual(0, agent.stop())

    def test_a_service_account_of_google(self):
        cloud = self.stopped(Cloud(self.numbered(3600)))
        key = RsaKey(self.work)
        account = self.work / "account.json"
        account.write_text(json.dumps({
            "type": "service_account", "client_email": "me@project", "private_key_id": "k1",
            "private_key": key.path.read_text(), "token_uri": f"{cloud.url}/token"}))
        agent = self.run_agent(google_iam={"credentials_file": str(account)})
        self.requests()
        self.assertEqual({"Bearer token-1"}, self.bearers())
        asked, = cloud.seen()
        self.assertEqual("urn:ietf:params:oauth:grant-type:jwt-bearer", asked.form["grant_type"])
        head, claims = key.claims(asked.form["assertion"])
        self.assertEqual({"alg": "RS256", "typ": "JWT", "kid": "k1"}, head)
        self.assertEqual(3600, claims.pop("exp") - claims.pop("iat"))
        self.assertEqual({"iss": "me@project", "aud": f"{cloud.url}/token",
                          "scope": "https://www.googleapis.com/auth/monitoring.write"}, claims)
        self.hidden(agent, "PRIVATE", "token-1", asked.form["assertion"])
        self.assertEqual(0, agent.stop())

    def test_the_machine_s_account_of_google(self):
        cloud = self.stopped(Cloud(self.numbered(11)))  # used until ten seconds before
        agent = self.run_agent({"GCE_METADATA_HOST": cloud.address}, google_iam={})
        self.requests()
        self.wait(lambda: len(self.bearers()) > 2, "other tokens")
        self.assertEqual({"Google"}, {a.headers["metadata-flavor"] for a in cloud.seen()})
        self.assertEqual(0, agent.stop())


if __name__ == "__main__":
    unittest.main()
