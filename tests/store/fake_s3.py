"""A small S3 server for tests, of Python's standard library: objects in memory, uploads in parts, lists in pages, and
faults on demand. It looks at dates and regions of signatures; where botocore is installed, at the signatures too."""
import datetime
import email.utils
import hashlib
import re
import socket
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

try:
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
except ImportError:
    S3SigV4Auth = None


class Fault:
    """What happens to the next `times` requests that fit: method, and a part of the path with its query.

    status, code: this error. cut: the connection ends after so many bytes of the body. short: Content-Length says
    more than comes. text: this body with status 200. headers: added. wait: seconds before anything is said.
    call: a function, called before the answer."""

    def __init__(self, method="GET", path="", times=1, **what):
        self.method, self.path, self.times, self.what = method, path, times, what


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # many connections at once


class Server:
    def __init__(self, key="test:tester", secret="testing", region="us-east-1", page=1000):
        self.key, self.secret, self.region, self.page = key, secret, region, page
        self.lock = threading.Lock()
        self.objects = {}  # bucket -> {key: (bytes, etag, time)}
        self.uploads = {}  # id -> (bucket, key, {number: bytes})
        self.sizes = {}  # (bucket, key) -> what lists say in place of the truth
        self.faults = []
        self.requests = []  # "GET /bucket/key?query"
        self.clock = 0.0  # seconds that it is ahead
        self.signed = S3SigV4Auth is not None
        self.count = 0
        self.http = _Http(("127.0.0.1", 0), Handler)
        self.http.owner = self
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()

    def now(self):
        return datetime.datetime.now(datetime.timezone.utc).timestamp() + self.clock

    def put(self, bucket, key, data, etag=None):
        with self.lock:
            self.objects.setdefault(bucket, {})[key] = (data, etag or hashlib.md5(data).hexdigest(), self.now())

    def get(self, bucket, key):
        return self.objects.get(bucket, {}).get(key, (None,))[0]

    def keys(self, bucket):
        return sorted(self.objects.get(bucket, {}))

    def fail(self, *arguments, **what):
        self.faults.append(Fault(*arguments, **what))

    def seen(self, method, part=""):
        return [line for line in self.requests if line.startswith(method + " ") and part in line]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        return email.utils.formatdate(self.server.owner.now() if timestamp is None else timestamp, usegmt=True)

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, BrokenPipeError):
            self.close_connection = True

    def _all(self):
        s = self.server.owner
        path, _, query = self.path.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        parts = urllib.parse.unquote(path).split("/", 2)
        self.bucket, self.name = parts[1], parts[2] if len(parts) > 2 else ""
        length = int(self.headers.get("content-length") or 0)
        self.body = self.rfile.read(length)
        if len(self.body) < length:
            self.close_connection = True
            return
        with s.lock:
            s.requests.append(f"{self.command} {self.path}")
            fault = next((f for f in s.faults if f.times > 0 and f.method == self.command and f.path in self.path), None)
            if fault:
                fault.times -= 1
        self.what = fault.what if fault else {}
        if "wait" in self.what:
            threading.Event().wait(self.what["wait"])
        if "call" in self.what:
            self.what["call"]()
        if "status" in self.what:
            self.error(self.what["status"], self.what.get("code", "InternalError"), **self.what.get("headers", {}))
        elif "text" in self.what:
            self.reply(200, self.what["text"].encode(), {"Content-Type": "application/xml"})
        elif not self.refused():
            getattr(self, "do_" + self.command.lower())()
        self.wfile.flush()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _all

    def reply(self, status, body=b"", headers=None, length=None):
        headers = {**(headers or {}), **self.what.get("headers", {})}
        size = len(body) if length is None else length
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(size + self.what.get("short", 0)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if "cut" in self.what or "short" in self.what:
            self.wfile.write(body[: self.what.get("cut", len(body))])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        else:
            self.wfile.write(body)

    def error(self, status, code, region=None, **headers):
        more = f"<Region>{region}</Region>" if region else ""
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>as asked &amp; told</Message>{more}</Error>'
        self.reply(status, text.encode(), {"Content-Type": "application/xml", **headers})

    def refused(self):
        s = self.server.owner
        authorization = self.headers.get("authorization")
        if authorization is None:
            self.error(403, "AccessDenied")
            return True
        match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=(.+)/(\d{8})/([\w-]+)/s3/aws4_request,\s*"
                             r"SignedHeaders=([\w;-]+),\s*Signature=([0-9a-f]{64})", authorization)
        stamp = self.headers.get("x-amz-date", "")
        sent = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
        if match is None or match[2] != stamp[:8]:
            self.error(400, "AuthorizationHeaderMalformed")
        elif match[1] != s.key:
            self.error(403, "InvalidAccessKeyId")
        elif match[3] != s.region:
            self.error(400, "AuthorizationHeaderMalformed", region=s.region)
        elif abs(sent - s.now()) > 900:
            self.error(403, "RequestTimeTooSkewed")
        elif self.headers.get("x-amz-content-sha256") != hashlib.sha256(self.body).hexdigest():
            self.error(400, "XAmzContentSHA256Mismatch")
        elif s.signed and match[5] != self.expected(match[4].split(";"), stamp):
            self.error(403, "SignatureDoesNotMatch")
        else:
            return False
        return True

    def expected(self, names, stamp):
        """The signature that botocore makes of this request."""
        s = self.server.owner
        request = AWSRequest(self.command, s.url + self.path, {name: self.headers[name] for name in names})
        request.context["timestamp"] = stamp
        auth = S3SigV4Auth(Credentials(s.key, s.secret), "s3", s.region)
        return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)

    def do_get(self):
        if not self.name:
            return self.list()
        data = self.server.owner.objects.get(self.bucket, {}).get(self.name)
        if data is None:
            return self.error(404, "NoSuchKey")
        data, etag, time = data
        headers = {"ETag": f'"{etag}"', "Last-Modified": self.date_time_string(time)}
        if self.headers.get("if-match", headers["ETag"]) != headers["ETag"]:
            return self.error(412, "PreconditionFailed")
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", ""))
        if wanted is None:
            return self.reply(200, data, headers)
        begin, end = int(wanted[1]), min(int(wanted[2]) + 1, len(data))
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{len(data)}"
        return self.reply(206, data[begin:end], headers)

    do_head = do_get

    def list(self):
        s = self.server.owner
        if self.bucket not in s.objects:
            return self.error(404, "NoSuchBucket")
        prefix, delimiter = self.query.get("prefix", ""), self.query.get("delimiter")
        encode = (lambda key: urllib.parse.quote(key, safe="/")) if self.query.get("encoding-type") == "url" else escape
        rows, folders = [], set()
        with s.lock:
            for key, (data, etag, time) in sorted(s.objects[self.bucket].items()):
                rest = key[len(prefix):]
                if not key.startswith(prefix):
                    continue
                if delimiter and delimiter in rest:
                    folder = prefix + rest.split(delimiter)[0] + delimiter
                    if folder in folders:
                        continue
                    folders.add(folder)
                    rows.append((folder, f"<CommonPrefixes><Prefix>{encode(folder)}</Prefix></CommonPrefixes>"))
                    continue
                when = datetime.datetime.fromtimestamp(time, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
                rows.append((key, f"<Contents><Key>{encode(key)}</Key><LastModified>{when}</LastModified>"
                                  f"<ETag>&quot;{etag}&quot;</ETag><Size>{s.sizes.get((self.bucket, key), len(data))}</Size></Contents>"))
        after = self.query.get("continuation-token", "")
        rows = [row for row in rows if row[0] > after]
        more = len(rows) > s.page
        rows = rows[: s.page]
        text = ('<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<Name>{self.bucket}</Name>" + "<EncodingType>url</EncodingType>" * ("encoding-type" in self.query) +
                f"<IsTruncated>{str(more).lower()}</IsTruncated>" +
                (f"<NextContinuationToken>{escape(rows[-1][0])}</NextContinuationToken>" if more else "") +
                "".join(row[1] for row in rows) + "</ListBucketResult>")
        return self.reply(200, text.encode(), {"Content-Type": "application/xml"})

    def do_put(self):
        s = self.server.owner
        etag = hashlib.md5(self.body).hexdigest()
        if "uploadId" in self.query:
            upload = s.uploads.get(self.query["uploadId"])
            if upload is None:
                return self.error(404, "NoSuchUpload")
            with s.lock:
                upload[2][int(self.query["partNumber"])] = self.body
        elif self.bucket not in s.objects:
            return self.error(404, "NoSuchBucket")
        else:
            s.put(self.bucket, self.name, self.body)
        return self.reply(200, b"", {"ETag": f'"{self.what.get("etag", etag)}"'})

    def do_post(self):
        s = self.server.owner
        if "uploads" in self.query:
            with s.lock:
                s.count += 1
                upload = f"upload-{s.count}"
                s.uploads[upload] = (self.bucket, self.name, {})
            text = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            return self.reply(200, text.encode())
        upload = s.uploads.get(self.query.get("uploadId"))
        if upload is None:
            return self.error(404, "NoSuchUpload")
        listed = re.findall(r"<PartNumber>(\d+)</PartNumber><ETag>(?:&quot;|\")?([^<&\"]*)", self.body.decode())
        parts = [upload[2].get(int(number), b"") for number, _ in listed]
        if [etag for _, etag in listed] != [hashlib.md5(part).hexdigest() for part in parts]:
            return self.error(400, "InvalidPart")
        if any(len(part) < 5 << 20 for part in parts[:-1]):
            return self.error(400, "EntityTooSmall")
        whole = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
        s.put(self.bucket, self.name, b"".join(parts), f"{whole}-{len(parts)}")
        with s.lock:
            del s.uploads[self.query["uploadId"]]
        return self.reply(200, b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")

    def do_delete(self):
        s = self.server.owner
        with s.lock:
            if "uploadId" in self.query:
                found = s.uploads.pop(self.query["uploadId"], None)
            else:
                found = True
                s.objects.get(self.bucket, {}).pop(self.name, None)
        return self.reply(204) if found else self.error(404, "NoSuchUpload")


if __name__ == "__main__":
    server = Server()
    server.objects["bucket"] = {}
    print(server.url, flush=True)
    threading.Event().wait()
