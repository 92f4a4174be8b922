//! Cookies, and what proves that a form was sent by a page of ours: where the browser says that it comes from, and a
//! token that only a page of the same session can know.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, Uri, header};

const SESSION: &str = "larder-session";
/// Browsers take a cookie of this name only over TLS and for this host alone.
const SESSION_OVER_TLS: &str = "__Host-larder-session";
pub(crate) const LANGUAGE: &str = "larder-language";
/// What the token of a form is derived for, so that it is good for nothing else.
const FORM_TOKEN_CONTEXT: &str = "larder console 2026-11 token of a form";

fn session_name(over_tls: bool) -> &'static str {
    if over_tls { SESSION_OVER_TLS } else { SESSION }
}

/// The session a browser shows.
pub(crate) fn session(headers: &HeaderMap, over_tls: bool) -> Option<String> {
    cookie(headers, session_name(over_tls)).filter(|value| !value.is_empty()).map(str::to_owned)
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(own, _)| *own == name)
        .map(|(_, value)| value)
}

/// Keeps a session in the browser for so long; no script can read it, and no other site's form brings it.
pub(crate) fn keep(token: &str, age_s: i64, over_tls: bool) -> Option<HeaderValue> {
    let secure = if over_tls { "; Secure" } else { "" };
    let name = session_name(over_tls);
    HeaderValue::try_from(format!("{name}={token}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}"))
        .ok()
}

/// Takes the session out of the browser.
pub(crate) fn forget(over_tls: bool) -> Option<HeaderValue> {
    keep("", 0, over_tls)
}

/// Remembers a choice of language for a year.
pub(crate) fn keep_language(code: &str, over_tls: bool) -> Option<HeaderValue> {
    let secure = if over_tls { "; Secure" } else { "" };
    let text = format!("{LANGUAGE}={code}; Path=/console; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(text).ok()
}

/// What a form of this session carries. It cannot be made without the session, nor the session be made from it.
pub(crate) fn form_token(session: Option<&str>) -> String {
    URL_SAFE_NO_PAD.encode(blake3::derive_key(FORM_TOKEN_CONTEXT, session.unwrap_or_default().as_bytes()))
}

/// Whether a form carries the token of this session. Takes as long whatever is wrong.
pub(crate) fn is_form_token(given: &str, session: Option<&str>) -> bool {
    blake3::hash(given.as_bytes()) == blake3::hash(form_token(session).as_bytes())
}

/// Whether a request that changes something comes from a page of this host. A browser that says neither where it comes
/// from nor what it is for is not believed.
pub(crate) fn is_of_this_site(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    let host = text(header::HOST).or_else(|| uri.authority().map(http::uri::Authority::as_str));
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    matches!((origin, host), (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host))
}

/// A place of the console to go to after something; anything else is its first page.
pub(crate) fn inside(path: &str) -> &str {
    let is_inside = path == "/console" || path.starts_with("/console/") || path.starts_with("/console?");
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') && !path.contains("//");
    if is_inside && is_plain { path } else { "/console" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_a_page_of_this_host_may_send_a_form() {
        let uri = Uri::from_static("/console/sign-out");
        let is_ours = |pairs: &[(&'static str, &str)]| is_of_this_site(&headers(pairs), &uri);
        assert!(is_ours(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(is_ours(&[("origin", "https://larder.example"), ("host", "larder.example")]));
        for strange in [
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://larder.example"),
                ("host", "larder.example"),
            ][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://larder.example.evil"), ("host", "larder.example")],
            &[("origin", "https://larder.example:444"), ("host", "larder.example")],
            &[("origin", "null"), ("host", "larder.example")],
            &[("host", "larder.example")],
            &[],
        ] {
            assert!(!is_ours(strange), "{strange:?}");
        }
    }

    #[test]
    fn the_token_of_a_form_belongs_to_one_session() {
        let token = form_token(Some("lrs_one"));
        assert!(is_form_token(&token, Some("lrs_one")));
        for (given, session) in
            [(token.as_str(), Some("lrs_two")), (token.as_str(), None), ("", Some("lrs_one"))]
        {
            assert!(!is_form_token(given, session), "{given} {session:?}");
        }
        assert!(!token.contains("lrs_one"));
    }

    #[test]
    fn cookies_are_read_by_their_whole_name() {
        let sent = headers(&[("cookie", "xlarder-session=a; larder-session=b; larder-language=de")]);
        assert_eq!(session(&sent, false).as_deref(), Some("b"));
        assert_eq!(session(&sent, true), None, "a cookie that came without TLS is none");
        assert_eq!(cookie(&sent, LANGUAGE), Some("de"));
        let kept = keep("lrs_x", 60, true).unwrap();
        assert_eq!(kept, "__Host-larder-session=lrs_x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
    }

    #[test]
    fn nobody_is_sent_elsewhere() {
        assert_eq!(inside("/console/market?market=a"), "/console/market?market=a");
        for elsewhere in [
            "//evil.example",
            "https://evil.example",
            "/console//evil.example",
            "/console/\\evil",
            "/consoles",
            "",
            "/v1",
        ] {
            assert_eq!(inside(elsewhere), "/console", "{elsewhere}");
        }
    }
}
