/** The static table of HPACK (RFC 7541 Appendix A): names and values by index, from 1. */
const ENTRIES = `
:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`.split('\n');

export const STATIC_ENTRIES = 61;
/** The index of `content-type`, the only name that our encoder refers to. */
export const CONTENT_TYPE_INDEX = 31;

if (ENTRIES.length !== STATIC_ENTRIES + 1) throw new Error('the static table has 61 entries');

export const STATIC_NAMES: readonly string[] = ENTRIES.map((entry) => entry.split(' ', 1)[0] ?? '');
export const STATIC_VALUES: readonly string[] = ENTRIES.map((entry, index) =>
  entry.slice((STATIC_NAMES[index] as string).length + 1),
);
