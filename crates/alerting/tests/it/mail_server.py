"""A mail server for tests: TLS from the first byte or after STARTTLS, and nobody sends without having logged in.

    mail_server.py starttls|tls CERTIFICATE KEY USER PASSWORD [--port N] [--hang N] [--idle SECONDS]

Prints its port, then each mail as one line of JSON. The answer to the first N mails never comes with --hang; a
connection that is idle is closed with --idle.
"""

import argparse
import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

arguments = argparse.ArgumentParser()
arguments.add_argument("security", choices=["starttls", "tls"])
arguments.add_argument("certificate")
arguments.add_argument("key")
arguments.add_argument("user")
arguments.add_argument("password")
arguments.add_argument("--port", type=int, default=0)
arguments.add_argument("--hang", type=int, default=0)
arguments.add_argument("--idle", type=float, default=60)
wanted = arguments.parse_args()


def say(line):
    print(line, flush=True)


def authenticate(server, session, envelope, mechanism, data):
    known = (wanted.user.encode(), wanted.password.encode())
    is_known = (data.login, data.password) == known
    # Unhandled, it would be answered with a traceback instead of 535.
    return AuthResult(success=is_known, handled=is_known, auth_data=data.login)


class Keeper:
    """Takes every mail, after it has left some without an answer."""

    hanging = wanted.hang

    async def handle_DATA(self, server, session, envelope):
        say(json.dumps({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": envelope.content.decode("utf-8", "replace"),
            "user": (session.auth_data or b"").decode(),
            "tls": session.ssl is not None or wanted.security == "tls",
        }))
        if Keeper.hanging > 0:
            Keeper.hanging -= 1
            await asyncio.sleep(3600)
        return "250 taken"


async def serve():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(wanted.certificate, wanted.key)
    starttls = wanted.security == "starttls"

    def protocol():
        return SMTP(
            Keeper(),
            hostname="mail.test",
            timeout=wanted.idle,
            authenticator=authenticate,
            auth_required=True,
            auth_require_tls=starttls,
            require_starttls=starttls,
            tls_context=context if starttls else None,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        protocol, "127.0.0.1", wanted.port, ssl=None if starttls else context
    )
    say(server.sockets[0].getsockname()[1])
    await server.serve_forever()


try:
    asyncio.run(serve())
except KeyboardInterrupt:
    sys.exit(0)
