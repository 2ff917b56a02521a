//! Whether a Python source saves data by its runner, which only works where somebody writes it (docs/runners.md §7).

/// The calls as they are written: `ctx.db.save(…)`, `ctx.prediction.save(…)`.
const CALLS: [&[u8]; 2] = [b".db.save(", b".prediction.save("];
const LONGEST: usize = CALLS[1].len();

/// Looks for the calls in a file that comes in pieces.
#[derive(Default)]
pub(super) struct SaveSearch {
    pub(super) found: bool,
    /// The end of what came before, in which a call may have begun.
    tail: Vec<u8>,
}

impl SaveSearch {
    pub(super) fn look(&mut self, chunk: &[u8]) {
        if self.found || chunk.is_empty() {
            return;
        }
        let seam = chunk.len().min(LONGEST - 1);
        self.tail.extend_from_slice(&chunk[..seam]);
        self.found = has_call(&self.tail) || has_call(chunk);
        // A piece may be shorter than a call.
        let kept = if chunk.len() > seam { &chunk[chunk.len() - seam..] } else { &[] };
        self.tail.extend_from_slice(kept);
        self.tail.drain(..self.tail.len().saturating_sub(LONGEST - 1));
    }
}

fn has_call(text: &[u8]) -> bool {
    CALLS.iter().any(|call| text.windows(call.len()).any(|window| window == *call))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_found_wherever_the_pieces_end() {
        for (text, expected) in [
            ("async def handler(ctx, data):\n    await ctx.db.save('c', {'a': 1})\n", true),
            ("    await ctx.prediction.save(predicted_value='a', true_value='b')\n", true),
            ("    await ctx.db.find('c', {})\n    db_save('x')\n", false),
            ("", false),
        ] {
            for size in [1, 2, 5, 16, 17, 1000] {
                let mut search = SaveSearch::default();
                text.as_bytes().chunks(size).for_each(|piece| search.look(piece));
                assert_eq!(search.found, expected, "{text} in pieces of {size}");
            }
        }
    }
}
