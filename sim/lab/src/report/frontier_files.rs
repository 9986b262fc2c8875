//! The phase diagram as a table of comma-separated values, and as a picture.

use std::io;

use leasehold::lease::LeaseSettings;
use plotters::prelude::*;

use super::frontier::{FrontierSubject, unit};
use crate::frontier::{Column, Frontier, Judge};
use crate::threshold::Search;

/// One line a cell: its place, what was found in it, and where the line runs in its column. Numbers are whole, in the unit
/// that the header names.
pub fn frontier_csv(subject: &FrontierSubject<'_>) -> io::Result<Vec<u8>> {
    let FrontierSubject { x, y, found, .. } = *subject;
    let mut table = csv::Writer::from_writer(Vec::new());
    let (x_unit, y_unit) = (unit(x), unit(y));
    table.write_record([
        format!("x_{x_unit}"),
        format!("y_{y_unit}"),
        "stale".to_owned(),
        "theory_stale".to_owned(),
        "margin_ns".to_owned(),
        format!("measured_line_y_{y_unit}"),
        format!("theory_line_y_{y_unit}"),
    ])?;
    for column in &found.columns {
        let measured = edge(&column.measured).map(|y| y.to_string()).unwrap_or_default();
        let theory = column.theory.as_ref().ok().and_then(edge).map(|y| y.to_string()).unwrap_or_default();
        for cell in &column.cells {
            table.write_record([
                column.x.to_string(),
                cell.y.to_string(),
                cell.stale.to_string(),
                cell.theory.map(|stale| stale.to_string()).unwrap_or_default(),
                cell.margin_ns.map(|margin| margin.to_string()).unwrap_or_default(),
                measured.clone(),
                theory.clone(),
            ])?;
        }
    }
    table.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

fn edge(search: &Search) -> Option<i128> {
    match search {
        Search::Found(edge) => Some(edge.stale),
        Search::None { .. } | Search::Mixed { .. } => None,
    }
}

/// Width and height in pixels. The legend has a strip of its own below the chart, where it covers nothing.
const SIZE: (u32, u32) = (820, 640);
const CHART_HEIGHT: u32 = 578;
/// Apart for every kind of colour blindness, and in print: one is dark, one is light.
const STALE: RGBColor = RGBColor(230, 159, 0);
const CLEAN: RGBColor = RGBColor(222, 235, 247);
const LINE: RGBColor = RGBColor(0, 0, 0);
const THEORY: RGBColor = RGBColor(0, 90, 181);

/// The picture as SVG. The same result gives the same bytes. Fails for values beyond 64 bits.
pub fn frontier_svg(subject: &FrontierSubject<'_>) -> io::Result<String> {
    let mut text = String::new();
    draw(subject, &mut text).map_err(|error| io::Error::other(format!("cannot draw: {error}")))?;
    Ok(named(&text, subject))
}

/// Gives a picture a name and a description, for screen readers and for the browser's hint.
fn named(svg: &str, subject: &FrontierSubject<'_>) -> String {
    let FrontierSubject { x, y, found, .. } = *subject;
    let cells = || found.columns.iter().flat_map(|column| &column.cells);
    let stale = cells().filter(|cell| cell.stale).count();
    let described = format!(
        "Where stale reads exist, by {} (across) and {} (up): in {stale} of {} cells.",
        x.keys().join(", "),
        y.keys().join(", "),
        cells().count(),
    );
    let inner = format!(
        "<title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n",
        escaped(&title(subject)),
        escaped(&described)
    );
    let head = svg.find('>').map_or(0, |end| end + 1);
    let opened = svg[..head].replacen("<svg", "<svg role=\"img\" aria-labelledby=\"title desc\"", 1);
    format!("{opened}\n{inner}{}", svg[head..].trim_start())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The scenario's title, and of the lease's lengths those that are the same in the whole picture.
fn title(subject: &FrontierSubject<'_>) -> String {
    let FrontierSubject { x, y, found, .. } = *subject;
    let question = found.question;
    let lease = |x_at, y_at| Some((x.at(x_at).ok()?.lease, y.at(y_at).ok()?.lease));
    let (Some(from), Some(to)) =
        (lease(question.x.from, question.y.from), lease(question.x.to, question.y.to))
    else {
        return subject.title.to_owned();
    };
    let lengths = |(of_x, of_y): (LeaseSettings, LeaseSettings)| {
        [("D", of_x.duration, of_y.duration), ("T", of_x.election_timeout, of_y.election_timeout)]
    };
    let both_ends = lengths(from).into_iter().zip(lengths(to));
    let fixed = both_ends
        .filter(|((_, x, y), (_, x_to, y_to))| x == y && x == x_to && y == y_to)
        .map(|((name, length, _), _)| format!("{name} = {length}"));
    let fixed: Vec<String> = fixed.collect();
    if fixed.is_empty() {
        subject.title.to_owned()
    } else {
        format!("{}: {}", subject.title, fixed.join(", "))
    }
}

fn draw(subject: &FrontierSubject<'_>, text: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let FrontierSubject { x, y, found, .. } = *subject;
    let question = found.question;
    let (xs, ys) = (question.x.values(), question.y.values());
    let number = |value: i128| i64::try_from(value);
    let root = SVGBackend::with_string(text, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let (upper, lower) = root.split_vertically(CHART_HEIGHT);
    let mut chart = ChartBuilder::on(&upper)
        .margin(18)
        .caption(title(subject), ("sans-serif", 17))
        .x_label_area_size(52)
        .y_label_area_size(96)
        .build_cartesian_2d(
            number(question.x.from)?..number(question.x.to)?,
            number(question.y.from)?..number(question.y.to)?,
        )?;
    for column in &found.columns {
        let (left, right) = around(&xs, column.x);
        for cell in &column.cells {
            let (low, high) = around(&ys, cell.y);
            let corners = [(number(left)?, number(low)?), (number(right)?, number(high)?)];
            let colour = if cell.stale { STALE } else { CLEAN };
            chart.draw_series([Rectangle::new(corners, colour.filled())])?;
        }
    }
    let judge = match question.judge {
        Judge::Adversary => "the adversary",
        Judge::Seeds(_) => "seeds",
    };
    let measured = points(found, |column| edge(&column.measured))?;
    let by_adversary = question.judge == Judge::Adversary;
    if by_adversary {
        chart.draw_series(LineSeries::new(measured, LINE.stroke_width(2)))?;
    }
    let theory = points(found, |column| column.theory.as_ref().ok().and_then(edge))?;
    chart.draw_series(theory.into_iter().map(|point| Circle::new(point, 4, THEORY.stroke_width(2))))?;
    chart
        .configure_mesh()
        .disable_mesh()
        .x_desc(x.keys().join(", "))
        .y_desc(y.keys().join(", "))
        .x_labels(6)
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 16))
        .x_label_formatter(&|value| x.show(i128::from(*value)))
        .y_label_formatter(&|value| y.show(i128::from(*value)))
        .draw()?;
    let font = ("sans-serif", 15).into_font();
    let write = |at, words: &str| lower.draw(&Text::new(words.to_owned(), at, font.clone()));
    let square = |(x, y): (i32, i32), colour: RGBColor| {
        lower.draw(&Rectangle::new([(x, y), (x + 18, y + 10)], colour.filled()))?;
        lower.draw(&Rectangle::new([(x, y), (x + 18, y + 10)], LINE.stroke_width(1)))
    };
    square((96, 6), STALE)?;
    write((122, 2), &format!("{judge}: a stale read"))?;
    square((96, 32), CLEAN)?;
    write((122, 28), &format!("{judge}: none"))?;
    if by_adversary {
        lower.draw(&PathElement::new([(430, 11), (448, 11)], LINE.stroke_width(2)))?;
        write((456, 2), "the line, by the adversary")?;
    }
    lower.draw(&Circle::new((439, 37), 4, THEORY.stroke_width(2)))?;
    write((456, 28), "the line, by arithmetic")?;
    root.present()?;
    Ok(())
}

/// The line's points, column by column.
fn points(
    found: &Frontier,
    at: impl Fn(&Column) -> Option<i128>,
) -> Result<Vec<(i64, i64)>, std::num::TryFromIntError> {
    let points = found.columns.iter().filter_map(|column| Some((column.x, at(column)?)));
    points.map(|(x, y)| Ok((i64::try_from(x)?, i64::try_from(y)?))).collect()
}

/// Half the way to the values on both sides.
fn around(values: &[i128], value: i128) -> (i128, i128) {
    let place = values.iter().position(|other| *other == value).unwrap_or(0);
    let half = |other: Option<&i128>| other.map_or(value, |other| (other + value) / 2);
    (half(place.checked_sub(1).and_then(|before| values.get(before))), half(values.get(place + 1)))
}
