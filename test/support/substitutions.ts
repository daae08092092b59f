/*
 * Texts with commands that Envoy substitutes. A unit test compares this project's checks with the table, and an interop
 * test a real Envoy.
 */

/** Texts that Envoy accepts. */
export const goodSubstitutions: readonly string[] = [
  ...['', '100%%', '%%%%', '%%PROTOCOL%%', 'é%PROTOCOL%', '%PROTOCOL%%PROTOCOL%', '%PROTOCOL()%', 'a\tb', '%REQ(a)%b'],
  ...['%REQ(x-id)%', '%REQ(a?b)%', '%REQ(?b)%', '%REQ(?)%', '%REQ(:authority)%', '%REQ(a%b)%', '%REQ(a):03%'],
  ...['%REQ(a):18446744073709551615%', '%RESP(a):3%', '%TRAILER(a)%', '%REQUEST_HEADER(a)%', '%STREAM_INFO_REQ(a)%'],
  ...['%START_TIME%', '%START_TIME(%s)%', '%START_TIME(%Y/%m/%dT%H:%M:%S%z)%', '%START_TIME(%s.%3f)%'],
  ...['%START_TIME(%10n)%', '%START_TIME(%)%', '%EMIT_TIME(%s)%', '%DOWNSTREAM_PEER_CERT_V_START(%b %d)%'],
  ...['%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%', '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(MASK_PREFIX_LEN:24)%'],
  ...['%DYNAMIC_METADATA(ns:key:sub)%', '%DYNAMIC_METADATA(["ns","key"]):3%', '%UPSTREAM_METADATA(["a)", "b"])%'],
  ...['%CLUSTER_METADATA(ns:key)%', '%ENVIRONMENT(X):3%', '%QUERY_PARAM(a?b?c)%'],
  ...['%FILTER_STATE(key)%', '%FILTER_STATE(key:PLAIN):3%', '%FILTER_STATE(key:FIELD:name)%', '%FILTER_STATE(key::)%'],
  ...['%UPSTREAM_FILTER_STATE(key:TYPED)%', '%PER_REQUEST_STATE(key)%'],
  ...['%METADATA(ROUTE)%', '%METADATA(DYNAMIC:ns:key):3%', '%METADATA(LISTENER_FILTER_CHAIN:ns)%'],
  ...['%COMMON_DURATION(DS_RX_BEG:DS_RX_END:ms)%', '%COMMON_DURATION(A:B)%'],
  ...['%PATH%', '%PATH:3%', '%PATH(WQ)%', '%PATH(NQ:ORIG_OR_PATH):3%', '%PATH(:ORIG)%', '%PATH(WQ:PATH:x)%'],
  ...['%QUERY_PARAMS(DECODED):3%', '%REQUESTED_SERVER_NAME(SNI_FIRST:HOST)%', '%REQUESTED_SERVER_NAME(:)%'],
  ...['%GRPC_STATUS%', '%GRPC_STATUS(SNAKE_STRING)%', '%RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%'],
];

/** Texts that Envoy rejects, with a part of the message for the author. */
export const badSubstitutions: readonly (readonly [text: string, says: string])[] = [
  ...['%', '100%', '%%%', '% X%', '%x%', '%PROTOCOL', '%%PROTOCOL%', '%PROTOCOL%%', '%PROTO-COL%', '%(a)%'].map(
    doubled,
  ),
  ...['%REQ(a)', '%REQ(a)%%', '%REQ(a):-1%', '%REQ(a):%', '%REQ(a): 3%', '%REQ(a)x%', '%PROTOCOL():%'].map(doubled),
  ['%FOO%', '%FOO% is no command of Envoy'],
  ['%CLIENT_IP%', '%CLIENT_IP% is no command of Envoy'],
  ['%REQ_WITHOUT_QUERY(a)%', 'is no command of Envoy'],
  ['%PROTOCL%', 'did you mean "PROTOCOL"?'],
  ['%REQ%', '%REQ% needs an argument'],
  ['%REQ()%', 'needs an argument'],
  ['%PROTOCOL(x)%', '%PROTOCOL% takes no argument'],
  ['%PROTOCOL:3%', 'takes no length'],
  ['%START_TIME:3%', 'takes no length'],
  ['%UPSTREAM_METADATA(a):3%', 'takes no length'],
  ['%PER_REQUEST_STATE(a):3%', 'takes no length'],
  ['%REQ(a):18446744073709551616%', 'takes a length of 18446744073709551615 at most'],
  ['%REQ(a?b?c)%', 'one alternative'],
  ['%RESPONSE_TRAILER(a?b?c)%', 'one alternative'],
  ['%REQ(a b)%', 'the name of a header'],
  ['%REQ(é)%', 'the name of a header'],
  ['%REQ(a))%', 'the name of a header'],
  ['%START_TIME(%n)%', 'without line breaks'],
  ['%START_TIME(%_0^#12En)%', 'without line breaks'],
  ['%EMIT_TIME_LOCAL(%n)%', 'without line breaks'],
  ['%UPSTREAM_PEER_CERT_V_END(%n)%', 'without line breaks'],
  ['%FILTER_STATE%', 'needs an argument'],
  ['%FILTER_STATE(:PLAIN)%', 'the key of a filter state'],
  ['%FILTER_STATE(key:OTHER)%', 'PLAIN, TYPED or FIELD'],
  ['%FILTER_STATE(key:FIELD)%', 'the name of a field after FIELD'],
  ['%FILTER_STATE(key:PLAIN:a)%', 'the name of a field after FIELD'],
  ['%UPSTREAM_FILTER_STATE(key:plain)%', 'PLAIN, TYPED or FIELD'],
  ['%PER_REQUEST_STATE(a:b)%', 'PLAIN, TYPED or FIELD'],
  ['%METADATA(OTHER:ns)%', 'first one of DYNAMIC'],
  ['%COMMON_DURATION(A)%', 'two points in time'],
  ['%COMMON_DURATION(A:B:s)%', 'two points in time'],
  ['%COMMON_DURATION(A:B:ms:x)%', 'two points in time'],
  ['%PATH(ORIG)%', 'takes WQ, NQ, not "ORIG"'],
  ['%PATH(WQ:x)%', 'takes ORIG, PATH'],
  ['%QUERY_PARAMS(:)%', 'takes ORIG, DECODED'],
  ['%REQUESTED_SERVER_NAME(SNI_FIRST:x)%', 'takes ORIG_OR_HOST'],
  ['%GRPC_STATUS(number)%', 'takes CAMEL_STRING'],
];

/** Texts that Envoy accepts if their expression is valid, which this project does not check. */
export const uncheckedSubstitutions: readonly string[] = [
  '%CEL(request.path)%',
  '%COALESCE({"operators": [{"command": "REQ", "param": "a"}]})%',
];

function doubled(text: string): readonly [string, string] {
  return [text, 'a percent sign must be doubled'];
}
