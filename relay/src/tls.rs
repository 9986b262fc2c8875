//! Who is who: every relay has a certificate of one authority, with its node's name.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::version::TLS13;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::args::Args;

/// Both ends of TLS, as the files say it.
pub struct Identity {
    pub acceptor: TlsAcceptor,
    pub connector: TlsConnector,
}

impl Identity {
    /// Reads the authority, the certificate and its key.
    ///
    /// # Errors
    ///
    /// The text names the option and the remedy.
    pub fn read(args: &Args) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for authority in certificates("--ca", &args.ca)? {
            roots.add(authority).map_err(|error| format!("--ca: {}: {error}", args.ca.display()))?;
        }
        let roots = Arc::new(roots);
        let chain = certificates("--cert", &args.cert)?;
        if !names(&chain[0], &args.name) {
            return Err(format!(
                "--cert: {} is not of {}: it needs that DNS name among its subjectAltName",
                args.cert.display(),
                args.name
            ));
        }
        let key = || {
            PrivateKeyDer::from_pem_file(&args.key)
                .map_err(|error| format!("--key: no private key in {}: {error}", args.key.display()))
        };
        let fits =
            |error| format!("--cert, --key: {} and {}: {error}", args.cert.display(), args.key.display());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
            .build()
            .map_err(|error| format!("--ca: {}: {error}", args.ca.display()))?;
        let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])
            .expect("ring does TLS 1.3")
            .with_client_cert_verifier(clients)
            .with_single_cert(chain.clone(), key()?)
            .map_err(fits)?;
        let client = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .expect("ring does TLS 1.3")
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key()?)
            .map_err(fits)?;
        Ok(Self { acceptor: Arc::new(server).into(), connector: Arc::new(client).into() })
    }
}

fn certificates(option: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).and_then(|certificates| certificates.collect());
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!("{option}: no certificate in {}: it must be PEM", path.display())),
        Err(error) => Err(format!("{option}: cannot read {}: {error}", path.display())),
    }
}

/// Whether a certificate has a node's name. That the authority signed it is another question, which TLS has answered.
pub fn names(certificate: &CertificateDer<'_>, node: &str) -> bool {
    let (Ok(certificate), Ok(name)) = (ParsedCertificate::try_from(certificate), ServerName::try_from(node))
    else {
        return false;
    };
    verify_server_name(&certificate, &name).is_ok()
}
