use super::*;

fn lengths() -> LeaseLengths {
    LeaseLengths { duration: Span::secs(2), election_timeout: Span::secs(4), max_clock_skew: Span::nanos(1) }
}

fn agree() -> Entry {
    Entry { term: Term(2), payload: Payload::Lease(lengths()) }
}

fn configuration() -> Entry {
    let members = Members { voters: vec!["n1".into(), "n2".into()], learners: vec!["n4".into()] };
    Entry { term: Term(4), payload: Payload::Configuration(Box::new(members)) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write(key: Scalar, value: Scalar) -> Entry {
    Entry { term: Term(3), payload: Payload::Command(Command::Write { key, value }) }
}

fn cas() -> Entry {
    let cas = Cas {
        key: Scalar::Bool(true),
        from: Scalar::Null,
        to: Scalar::Number("1.0".into()),
        create_if_not_exists: true,
    };
    Entry { term: Term(300), payload: Payload::Command(Command::Cas(Box::new(cas))) }
}

/// Whoever changes one of these changes the format of what is on people's disks: the new format gets a number of its own,
/// and old directories are still read.
#[test]
fn the_records_are_those_of_format_1() {
    let state = State {
        commits: 5,
        last_index: 1_000,
        term: 7,
        voted_for: Some(2),
        longest_promise_ns: 5_000_000_000,
    };
    let lease = LeaseRecord::from(LeaseSettings::default());
    let membership = MembershipRecord { own: "n1".to_owned(), names: vec!["n1".to_owned(), "n2".to_owned()] };
    let noop = Entry { term: Term(1), payload: Payload::Noop };
    let found = [
        hex(&to_bytes(STATE, &state)),
        hex(&to_bytes(MEMBERSHIP, &membership)),
        hex(&to_bytes(LEASE, &lease)),
        hex(&entry_to_bytes(Index(1), &noop)),
        hex(&entry_to_bytes(Index(2), &noop)),
        hex(&entry_to_bytes(Index(3), &write(Scalar::Text("x".into()), Scalar::Integer(-42)))),
        hex(&entry_to_bytes(Index(4), &cas())),
        hex(&entry_to_bytes(Index(5), &agree())),
        hex(&to_bytes(JOINS, &())),
        hex(&entry_to_bytes(Index(5), &configuration())),
    ];
    let golden = [
        "05e80707010280e497d0129853026a48622111",
        "026e3102026e31026e326b880c2a092ca2fb",
        "0080bcc1960b80e497d01280cab5ee019f0e428d1295eb5a",
        "0100d9cb6b5de5733664",
        "0100853531cf47c44ee6",
        "030104017802536d86be2835162477",
        "ac02020101000303312e300130cf0e3f0388936d",
        "020380a8d6b90780d0acf30e01aee1e884be5024fc",
        "7e8350deb2ea20b8",
        "040402026e31026e3201026e3412af8cb8b4fec7b8",
    ];
    assert_eq!(found, golden);
}

/// What format 2 has beside those.
#[test]
fn the_new_records_are_those_of_format_2() {
    let base = BaseRecord { index: 1_000, term: 7, keys: 300, ..BaseRecord::default() };
    let agreed = BaseRecord { agreed: Some(lengths().into()), ..base.clone() };
    let key = key_to_bytes(&Scalar::Text("x".into()));
    let value = value_to_bytes(&key, &Scalar::Integer(-42));
    let found = [hex(&to_bytes(BASE, &base)), hex(&to_bytes(BASE, &agreed)), hex(&key), hex(&value)];
    assert_eq!(pair_from_bytes(&key, &value), Some((Scalar::Text("x".into()), Scalar::Integer(-42))));
    assert_eq!(pair_from_bytes(&key_to_bytes(&Scalar::Null), &value), None, "another key's value");
    assert_eq!(
        found,
        [
            "e80707ac0200007b331aca4e4b96b9",
            "e80707ac020180a8d6b90780d0acf30e0100831416299b729a0b",
            "040178",
            "0253e4ff9792963b2bec"
        ]
    );
}

/// What format 3 has beside those.
#[test]
fn the_new_records_are_those_of_format_3() {
    let entry = Entry { term: Term(1), payload: Payload::Cluster("plum".into()) };
    let found = [hex(&entry_to_bytes(Index(1), &entry)), hex(&to_bytes(CLUSTER, &"plum"))];
    assert_eq!(entry_from_bytes(Index(1), &entry_to_bytes(Index(1), &entry)), Some(entry));
    assert_eq!(found, ["010504706c756d9ad43e21b4a60bf0", "04706c756dc3467589b157798b"]);
}

#[test]
fn entries_come_back_as_they_went_in() {
    let scalars = [
        Scalar::Null,
        Scalar::Bool(false),
        Scalar::Integer(i64::MIN),
        Scalar::Number("-0".into()),
        Scalar::Number("1E+400".into()),
        Scalar::Text("ü\0\"".into()),
    ];
    for key in &scalars {
        for value in &scalars {
            let entry = write(key.clone(), value.clone());
            assert_eq!(entry_from_bytes(Index(9), &entry_to_bytes(Index(9), &entry)), Some(entry));
        }
    }
    for entry in [cas(), agree()] {
        assert_eq!(entry_from_bytes(Index(9), &entry_to_bytes(Index(9), &entry)), Some(entry));
    }
}

#[test]
fn a_record_that_is_not_as_it_was_written_is_none() {
    let bytes = entry_to_bytes(Index(9), &cas());
    assert_eq!(entry_from_bytes(Index(8), &bytes), None, "another entry's place");
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1;
        assert_eq!(entry_from_bytes(Index(9), &flipped), None, "byte {place}");
        assert_eq!(entry_from_bytes(Index(9), &bytes[..place]), None, "cut to {place}");
    }
    let state = to_bytes(STATE, &State::default());
    assert_eq!(from_bytes::<State>(STATE, &state), Some(State::default()));
    assert_eq!(from_bytes::<State>(LEASE, &state), None, "another record's key");
}
