#!/usr/bin/python3
"""Takes every mail on port 1025 and tells of them on 8025 at the path that Mailpit has for it: /api/v1/messages."""

import asyncio
import email
import email.policy
import json
import sys
import urllib.request

MAILS = []
MOST = 500


async def take(reader, writer):
    """One connection of RFC 5321, without extensions."""

    async def say(line):
        writer.write(line + b"\r\n")
        await writer.drain()

    await say(b"220 mail")
    while line := await reader.readline():
        verb = line.split(b":")[0].split()[:1]
        if verb and verb[0].upper() == b"DATA":
            await say(b"354 go on")
            lines = []
            while (line := await reader.readline()) not in (b".\r\n", b""):
                lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
            if not line:
                break
            keep(b"".join(lines))
        if verb and verb[0].upper() == b"QUIT":
            await say(b"221 bye")
            break
        await say(b"250 well")
    writer.close()


def keep(raw):
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    text = mail.get_body(preferencelist=("plain", "html"))
    MAILS.insert(
        0,
        {
            "Subject": mail["subject"] or "",
            "To": [{"Address": mail["to"] or ""}],
            "Snippet": text.get_content()[:250] if text else "",
        },
    )
    del MAILS[MOST:]


async def tell(reader, writer):
    request = await reader.readline()
    while await reader.readline() not in (b"\r\n", b""):
        pass
    known = request.startswith((b"GET /api/v1/messages", b"GET /readyz"))
    body = json.dumps({"total": len(MAILS), "messages": MAILS}).encode()
    writer.write(b"HTTP/1.0 " + (b"200 OK" if known else b"404 Not Found") + b"\r\nContent-Type: application/json\r\n")
    writer.write(b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)
    await writer.drain()
    writer.close()


async def serve():
    await asyncio.start_server(take, "", 1025)
    await asyncio.start_server(tell, "", 8025)
    await asyncio.get_running_loop().create_future()


if sys.argv[1:] == ["readyz"]:
    urllib.request.urlopen("http://127.0.0.1:8025/readyz", timeout=3).read()
else:
    asyncio.run(serve())
