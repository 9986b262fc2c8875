//! `sim gallery`.

use std::sync::atomic::AtomicBool;

use leasehold_lab::study::study;
use leasehold_run::gallery::{FILES, Piece, page, piece_sheet, plate_json, plate_text};
use leasehold_run::report::{Style, Subject, failure, json_report, text_report};
use leasehold_run::sheet::{Block, Part, Sheet, Table};
use serde_json::{Value, json};

use super::args::GalleryArguments;
use super::errors::{Failure, nearest};
use super::output::{Case, Report, rows_as_cases, style};
use super::print;

pub(super) fn gallery(asked: &GalleryArguments) -> Result<u8, Failure> {
    if asked.page {
        return if asked.output.quiet { Ok(0) } else { print(&page()) };
    }
    let Some(name) = &asked.name else {
        asked.output.print(&List(Piece::all()), asked.color)?;
        return Ok(0);
    };
    let piece = Piece::named(name).ok_or_else(|| Failure::usage(no_exhibit(name)))?;
    let results = study(&piece.plan, &AtomicBool::new(false), &|| {});
    let explanation = results.explanation();
    let subject = Subject {
        file: &piece.file,
        arguments: "",
        plan: &piece.plan,
        study: &results,
        explanation: explanation.as_ref(),
    };
    asked.output.print(&Shown(&piece, &subject), asked.color)?;
    let style = style(&std::io::stderr(), asked.color);
    if let Some(failure) = failure(&subject, style) {
        eprint!("{failure}");
    }
    Ok(results.exit_code())
}

fn no_exhibit(name: &str) -> String {
    let names = FILES.iter().map(|(known, _)| *known);
    let mut text = format!("error: no exhibit `{name}`");
    if let Some(near) = nearest(name, names.clone()) {
        text.push_str(&format!("\n  did you mean {near}?"));
    }
    text.push_str(&format!("\n  the exhibits are {}", names.collect::<Vec<_>>().join(", ")));
    text
}

struct List(Vec<Piece>);

impl Report for List {
    const PARTS: Option<&'static str> = Some("exhibits");

    fn human(&self, style: Style) -> String {
        let width = |of: &dyn Fn(&Piece) -> usize| self.0.iter().map(of).max().unwrap_or(0);
        let (names, systems) =
            (width(&|piece| piece.name.chars().count()), width(&|piece| piece.plate.system.chars().count()));
        let line = |name: &str, system: &str, year: &str, clock: &str, mechanism: &str| {
            format!("{name:<names$}  {system:<systems$}  {year:<4}  {clock:<11}  {mechanism}")
        };
        let mut text = style.faint(&line("exhibit", "system", "year", "clock fault", "mechanism"));
        text.push('\n');
        for piece in &self.0 {
            let plate = &piece.plate;
            let clock = if plate.clock_fault { "yes" } else { "no" };
            text.push_str(&line(piece.name, &plate.system, &plate.year.to_string(), clock, &plate.mechanism));
            text.push('\n');
        }
        let right = self.0.iter().filter(|piece| !piece.plate.clock_fault).count();
        let all = self.0.len();
        text.push_str(&format!(
            "\n{right} of {all} need no clock that is wrong. `sim gallery NAME` runs one and tells its story.\n"
        ));
        text
    }

    fn json(&self) -> Value {
        let exhibits: Vec<Value> = self.0.iter().map(plate_json).collect();
        json!({ "schema": 1, "version": env!("CARGO_PKG_VERSION"), "exhibits": exhibits })
    }

    fn sheet(&self) -> Sheet {
        let right = self.0.iter().filter(|piece| !piece.plate.clock_fault).count();
        let row = |piece: &Piece| {
            let plate = &piece.plate;
            let clock = if plate.clock_fault { "yes" } else { "no" };
            [piece.name, &plate.system, &plate.year.to_string(), clock, &plate.mechanism]
                .map(str::to_owned)
                .to_vec()
        };
        let columns = ["exhibit", "system", "year", "clock fault", "mechanism"].map(str::to_owned).to_vec();
        let rows = self.0.iter().map(row).collect();
        Sheet {
            asked: "sim gallery".to_owned(),
            word: format!("{} lease bugs.", self.0.len()),
            sentence: format!("{right} of them need no clock that is wrong."),
            parts: vec![Part::new(
                "The exhibits",
                vec![
                    Block::Table(Table { name: "the exhibits".to_owned(), columns, rows }),
                    Block::command(
                        "One of them, with its runs:",
                        "sim gallery check-quorum --html check-quorum.html",
                    ),
                ],
            )],
            foot: format!("sim {}", env!("CARGO_PKG_VERSION")),
            ..Sheet::default()
        }
    }
}

struct Shown<'a>(&'a Piece, &'a Subject<'a>);

impl Report for Shown<'_> {
    const PARTS: Option<&'static str> = Some("rows");

    fn human(&self, style: Style) -> String {
        plate_text(self.0, style) + &text_report(self.1, style)
    }

    fn json(&self) -> Value {
        let mut report = json_report(self.1);
        report["exhibit"] = plate_json(self.0);
        report
    }

    fn sheet(&self) -> Sheet {
        piece_sheet(self.0, self.1)
    }

    fn cases(&self) -> Vec<Case> {
        rows_as_cases(self.1)
    }
}
