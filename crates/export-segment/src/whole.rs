//! A task of segments that are exported whole or not at all.

use crate::ExportSegmentError;
use contract::states::ExportTask;
use futures::stream::{FuturesUnordered, StreamExt};
use raw_export::SegmentEnd;
use tokio::time::Instant;

/// Segments side by side: enough to keep a vCPU busy while S3 answers.
const AT_ONCE: usize = 4;

/// Exports the task's segments until they are done or the time is over, but at least one. Those under
/// way when the time is over are begun again by the next call.
pub async fn side_by_side<F>(
    task: ExportTask,
    stop: Instant,
    segment: impl Fn(u32) -> F,
) -> Result<Vec<SegmentEnd>, ExportSegmentError>
where
    F: Future<Output = Result<SegmentEnd, ExportSegmentError>>,
{
    let segments = task.first_segment..task.first_segment + task.segment_count;
    let mut waiting = segments.clone();
    let mut under_way = FuturesUnordered::new();
    let mut ends = Vec::new();
    let mut new_segments = 0_u32;
    loop {
        let time_over = new_segments > 0 && Instant::now() >= stop;
        while under_way.len() < AT_ONCE && !time_over {
            let Some(number) = waiting.next() else { break };
            under_way.push(segment(number));
        }
        let stopped = async {
            tokio::time::sleep_until(stop).await;
            if new_segments == 0 {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            end = under_way.next() => match end {
                Some(end) => {
                    let end = end?;
                    new_segments += u32::from(end.new_items > 0);
                    ends.push(end);
                }
                None => break,
            },
            () = stopped => break,
        }
    }
    let left = segments.count() - ends.len();
    ends.extend((0..left).map(|_| SegmentEnd::NONE));
    Ok(ends)
}
