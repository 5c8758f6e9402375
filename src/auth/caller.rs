use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use ipnet::IpNet;

use super::AppState;
use crate::rotation::Caller;

/// How much of a `User-Agent` is kept, in characters.
const MOST_AGENT: usize = 120;

/// Networks whose `X-Forwarded-For` is believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(pub Vec<IpNet>);

impl TrustedProxies {
    /// Where a request came from: the nearest address in `X-Forwarded-For` that is not a trusted
    /// proxy itself, read from the right; the peer when it is not trusted.
    fn origin(&self, peer: IpAddr, forwarded: &[&str]) -> IpAddr {
        let trusted = |address: IpAddr| self.0.iter().any(|net| net.contains(&address));
        let mut origin = peer.to_canonical();
        for hop in forwarded.iter().flat_map(|value| value.split(',')).rev() {
            if !trusted(origin) {
                break;
            }
            match hop.trim().parse::<IpAddr>() {
                Ok(address) => origin = address.to_canonical(),
                Err(_) => break,
            }
        }
        origin
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Infallible> {
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0.ip());
        let forwarded: Vec<&str> = parts
            .headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        let agent = parts
            .headers
            .get(USER_AGENT)
            .and_then(|value| value.to_str().ok());
        Ok(Self {
            source: peer.map(|peer| app.proxies.origin(peer, &forwarded).to_string()),
            agent: agent.map(|agent| agent.chars().take(MOST_AGENT).collect()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let proxies = TrustedProxies(trusted.iter().map(|net| net.parse().unwrap()).collect());
        proxies.origin(peer.parse().unwrap(), forwarded).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(origin(&[], "203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
        assert_eq!(
            origin(&["10.0.0.0/8"], "10.0.0.1", &["198.51.100.1"]),
            "198.51.100.1"
        );
        // What the client itself wrote stands further left, and is not reached.
        assert_eq!(
            origin(&["10.0.0.0/8"], "10.0.0.1", &["1.2.3.4, 198.51.100.1"]),
            "198.51.100.1"
        );
        assert_eq!(
            origin(&["10.0.0.0/8"], "10.0.0.1", &["198.51.100.1, 10.0.0.2"]),
            "198.51.100.1"
        );
        assert_eq!(
            origin(&["10.0.0.0/8"], "10.0.0.1", &["garbage"]),
            "10.0.0.1"
        );
    }
}
