//! What an export costs, beside what it would cost in other ways: CPU seconds for a GB of JSON,
//! throughput, peak memory. Pages come over TLS from a server in a process of its own; every figure
//! is taken in a fresh process with one thread. Figures vary with the machine, and with what else
//! it does; the ratios to the floor of the same run are what counts.

mod discard;
mod discard_store;
mod measure;
mod pages;
mod paths;
mod server;

use clap::{Args, Parser, Subcommand};
use measure::{Served, Used};
use pages::{Items, Page};
use paths::{Extent, Path};
use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

#[derive(Parser)]
#[command(about = "Measures what an export costs beside the floor and beside the SDK's own way")]
struct Options {
    #[command(flatten)]
    sizes: Sizes,
    #[command(subcommand)]
    role: Option<Role>,
    /// Given by cargo.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Args)]
struct Sizes {
    /// GB of JSON for each figure: fewer, and what is paid once weighs more than in a table
    #[arg(long, default_value_t = 2.0)]
    gb: f64,
    /// Rounds, in each of which every path is gone once, so that whatever else the machine does meets all of them
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only these paths, beside the floor
    #[arg(long, value_delimiter = ',')]
    paths: Option<Vec<Path>>,
    /// Only these items
    #[arg(long, value_delimiter = ',')]
    items: Option<Vec<Items>>,
    /// Scans side by side, beside one alone
    #[arg(long, default_value_t = 32)]
    scans: u32,
    /// Milliseconds before a page's first byte, for the scans side by side
    #[arg(long, default_value_t = 15)]
    latency: u64,
}

/// So many that what is all different in a table, such as its timestamps, is beyond the distinct
/// values that a profile keeps, as in a table.
const PAGE_COUNT: u64 = 256;

/// What is served.
#[derive(Debug, Clone, Copy, Args)]
pub struct Workload {
    #[arg(long, value_enum, default_value = "interactions")]
    items: Items,
    #[arg(long, default_value_t = 1_000_000)]
    page_bytes: usize,
    /// Different pages; they come again in turn
    #[arg(long, default_value_t = PAGE_COUNT)]
    page_count: u64,
}

impl Workload {
    fn pages(&self) -> impl Iterator<Item = Page> {
        (0..self.page_count).map(|number| Page::new(self.items, number, self.page_bytes))
    }

    /// What the server sends for all pages of all segments.
    fn served(&self, extent: Extent) -> Served {
        let pages: Vec<_> = self.pages().collect();
        let mut served = Served::default();
        for segment in 0..u64::from(extent.segments) {
            for at in 0..extent.pages {
                let page = &pages[server::index(at, segment, pages.len())];
                let tail = page.tail((at + 1 < extent.pages).then_some(at + 1));
                served.bytes += (page.head.len() + tail.len()) as u64;
                served.items += page.count as u64;
            }
        }
        served
    }

    fn arguments(&self) -> [String; 3] {
        let items = match self.items {
            Items::Interactions => "interactions",
            Items::Text => "text",
            Items::Shuffled => "shuffled",
        };
        [
            format!("--items={items}"),
            format!("--page-bytes={}", self.page_bytes),
            format!("--page-count={}", self.page_count),
        ]
    }
}

#[derive(Subcommand)]
enum Role {
    /// Serve pages; other clients may be measured against it
    Serve {
        #[command(flatten)]
        workload: Workload,
        /// Where the certificate goes
        #[arg(long)]
        certificate: PathBuf,
    },
    #[command(hide = true)]
    Measure {
        path: Path,
        #[command(flatten)]
        workload: Workload,
        #[arg(long)]
        endpoint: String,
        #[arg(long)]
        segments: u32,
        #[arg(long)]
        pages: u64,
        #[arg(long)]
        latency: u64,
    },
}

/// Bytes of the larger pages: a page's limit is 1 MB of items, and names, types and escapes come on top.
const LARGE: usize = 1_800_000;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let options = Options::parse();
    match options.role {
        None => compare(&options.sizes),
        Some(Role::Serve {
            workload,
            certificate,
        }) => one_thread()?.block_on(server::serve(&workload, &certificate)),
        Some(Role::Measure {
            path,
            workload,
            endpoint,
            segments,
            pages,
            latency,
        }) => {
            let extent = Extent {
                segments,
                pages,
                latency: Duration::from_millis(latency),
            };
            measure::begin();
            let items = one_thread()?.block_on(paths::go(path, &workload, &endpoint, extent))?;
            let used = measure::end(|| workload.served(extent));
            if path != Path::Floor && items != used.served.items {
                return Err(format!("{items} items came of {}", used.served.items).into());
            }
            // The step's own metrics may stand before it.
            Ok(say(&serde_json::to_string(&used)?)?)
        }
    }
}

fn one_thread() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// A page server in a process of its own; gone when dropped.
struct Server {
    process: Child,
    endpoint: String,
    certificate: tempfile::NamedTempFile,
    workload: Workload,
}

impl Server {
    fn start(workload: Workload) -> Outcome<Self> {
        let certificate = tempfile::NamedTempFile::new()?;
        let mut process = Command::new(std::env::current_exe()?)
            .arg("serve")
            .args(workload.arguments())
            .arg("--certificate")
            .arg(certificate.path())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut port = String::new();
        let output = process.stdout.take().ok_or("the server has no output")?;
        BufReader::new(output).read_line(&mut port)?;
        Ok(Self {
            process,
            endpoint: format!("https://localhost:{}", port.trim()),
            certificate,
            workload,
        })
    }

    fn measure(&self, path: Path, extent: Extent) -> Outcome<Used> {
        let name = clap::ValueEnum::to_possible_value(&path).ok_or("a path has a name")?;
        let output = Command::new(std::env::current_exe()?)
            .args(["measure", name.get_name()])
            .args(self.workload.arguments())
            .arg(format!("--endpoint={}", self.endpoint))
            .arg(format!("--segments={}", extent.segments))
            .arg(format!("--pages={}", extent.pages))
            .arg(format!("--latency={}", extent.latency.as_millis()))
            .env("SSL_CERT_FILE", self.certificate.path())
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(format!("{path:?} ended with {}", output.status).into());
        }
        let mut lines = output.stdout.trim_ascii_end().rsplit(|byte| *byte == b'\n');
        Ok(serde_json::from_slice(lines.next().unwrap_or_default())?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already; nothing is left to do then.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn compare(sizes: &Sizes) -> Outcome<()> {
    let workloads = [
        (Items::Interactions, 1_000_000),
        (Items::Text, 1_000_000),
        (Items::Shuffled, 1_000_000),
        (Items::Interactions, LARGE),
    ];
    for (items, page_bytes) in workloads {
        if sizes
            .items
            .as_ref()
            .is_some_and(|only| !only.contains(&items))
        {
            continue;
        }
        let workload = Workload {
            items,
            page_bytes,
            page_count: PAGE_COUNT,
        };
        let server = Server::start(workload)?;
        table(sizes, &server)?;
        if items == Items::Interactions && page_bytes < LARGE {
            side_by_side(sizes, &server)?;
        }
    }
    Ok(())
}

/// Measures the paths in turn, round after round, and prints of each the run with the median CPU time.
fn table(sizes: &Sizes, server: &Server) -> Outcome<()> {
    let Workload {
        items, page_bytes, ..
    } = server.workload;
    say(&format!(
        "\n{items:?}, pages of {:.1} MB, {} GB each, median of {} rounds, and the least\n{:<42}{:>9}{:>9}{:>9}{:>9}{:>10}",
        page_bytes as f64 / 1e6,
        sizes.gb,
        sizes.rounds,
        "path",
        "CPU s/GB",
        "x floor",
        "least",
        "MB/s",
        "peak MB"
    ))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few thousand"
    )]
    let pages = (sizes.gb * 1e9 / page_bytes as f64).ceil() as u64;
    let extent = Extent {
        segments: 1,
        pages: pages.max(1),
        latency: Duration::ZERO,
    };
    let all = <Path as clap::ValueEnum>::value_variants().iter();
    let chosen = all.filter(|path| {
        // The slow one is shown once, and varies little in comparison.
        let by_default =
            **path != Path::Paginator || (items == Items::Interactions && page_bytes < LARGE);
        let only = sizes.paths.as_ref();
        **path == Path::Floor || only.map_or(by_default, |only| only.contains(path))
    });
    let mut measured: Vec<(Path, Vec<Used>)> = chosen.map(|path| (*path, Vec::new())).collect();
    for round in 0..sizes.rounds {
        for (path, runs) in &mut measured {
            if *path != Path::Paginator || round == 0 {
                writeln!(
                    std::io::stderr(),
                    "round {}: {}",
                    round + 1,
                    path.describe()
                )?;
                runs.push(server.measure(*path, extent)?);
            }
        }
    }
    let mut floor = None;
    let mut medians = Vec::new();
    for (path, mut runs) in measured {
        runs.sort_by_key(|used| used.cpu);
        let median = runs[(runs.len() - 1) / 2];
        let floor = *floor.get_or_insert(median.cpu_per_gb());
        say(&format!(
            "{:<42}{:>9.2}{:>9.2}{:>9.2}{:>9.0}{:>10.0}",
            path.describe(),
            median.cpu_per_gb(),
            median.cpu_per_gb() / floor,
            runs[0].cpu_per_gb(),
            median.megabytes_per_second(),
            median.peak_bytes as f64 / 1e6
        ))?;
        medians.push((path, median.cpu_per_gb()));
    }
    ablation(&medians)
}

/// Price of Lambda on arm64 in us-east-1, in dollars for a GB and a second.
const DOLLARS: f64 = 0.000_013_333_4;

/// GB of memory with which a function has one vCPU, as `infra/template.yaml` gives this one.
const MEMORY: f64 = 1.73;

/// What is turned off, and which path has it and which has not.
const TRICKS: [(&str, Path, Path); 4] = [
    ("speculative parsing", Path::Parts, Path::Plain),
    ("profile path by path", Path::Profile, Path::ProfileByItem),
    ("the profile itself", Path::Profile, Path::Pages),
    ("compression", Path::Parts, Path::Stored),
];

/// Prints the whole step, and what it costs without each of its parts.
fn ablation(medians: &[(Path, f64)]) -> Outcome<()> {
    let of = |wanted: Path| {
        let found = medians.iter().find(|(path, _)| *path == wanted);
        found.map(|(_, cpu)| *cpu)
    };
    let Some(whole) = of(Path::Parts) else {
        return Ok(());
    };
    say(&format!(
        "\nThe whole step without one of its parts; Lambda on arm64 at ${DOLLARS} for a GB-second, {MEMORY} GB\n{:<42}{:>9}{:>9}{:>12}",
        "without", "CPU s/GB", "x whole", "dollars/GB"
    ))?;
    let nothing = ("(nothing)", Path::Parts, Path::Parts);
    for (what, with, without) in std::iter::once(nothing).chain(TRICKS) {
        if let (Some(with), Some(without)) = (of(with), of(without)) {
            let cpu = whole + without - with;
            say(&format!(
                "{what:<42}{cpu:>9.2}{:>9.2}{:>12.6}",
                cpu / whole,
                cpu * DOLLARS * MEMORY
            ))?;
        }
    }
    Ok(())
}

fn side_by_side(sizes: &Sizes, server: &Server) -> Outcome<()> {
    // As many as a segment has by default.
    const PAGES: u64 = 128;
    say(&format!(
        "\nScans side by side on one thread, {} ms before each page\n{:<42}{:>9}{:>9}{:>9}{:>10}",
        sizes.latency, "path", "scans", "MB/s", "x one", "peak MB"
    ))?;
    for path in [Path::Stored, Path::Parts] {
        let mut alone = None;
        for segments in [1, sizes.scans] {
            let extent = Extent {
                segments,
                pages: PAGES,
                latency: Duration::from_millis(sizes.latency),
            };
            let used = server.measure(path, extent)?;
            let speed = used.megabytes_per_second();
            let alone = *alone.get_or_insert(speed);
            say(&format!(
                "{:<42}{segments:>9}{speed:>9.0}{:>9.1}{:>10.0}",
                path.describe(),
                speed / alone,
                used.peak_bytes as f64 / 1e6
            ))?;
        }
    }
    Ok(())
}

fn say(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}
