//! Which runner an image is, and of which generation (docs/runners.md §1): by the last part of its path, so that mirrors
//! count, and by its tag, if that is a release.

use domain::Generation;

use crate::{
    image,
    model::{Manifest, Workflow},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    Entrypoint,
    Python,
    Go,
}

/// The runner that an image is; none when it is another image.
pub fn runner(image: &str) -> Option<Runner> {
    let reference = image::parse(image).ok()?;
    match reference.path.rsplit('/').next()? {
        "kre-entrypoint" => Some(Runner::Entrypoint),
        "kre-py" => Some(Runner::Python),
        "kre-go" => Some(Runner::Go),
        _ => None,
    }
}

/// The generation of a runner's known release; none where the tag is no release, such as `latest`.
pub fn generation_of_image(image: &str) -> Option<Generation> {
    let runner = runner(image)?;
    let release = release(image::parse(image).ok()?.tag?)?;
    match (runner, release) {
        (Runner::Entrypoint, (..=1, ..=7) | (0, _)) => Some(Generation::A),
        (Runner::Entrypoint, (1, 8)) => Some(Generation::B),
        (Runner::Entrypoint, (3, 0)) => Some(Generation::C1),
        (Runner::Entrypoint, (3, 1..) | (4.., _)) => Some(Generation::C2),
        (Runner::Python | Runner::Go, (..=1, _) | (2, 0)) => Some(Generation::A),
        (Runner::Python | Runner::Go, (2, 1)) => Some(Generation::B),
        (Runner::Python, (3, ..=2)) | (Runner::Go, (4, ..=2)) => Some(Generation::C1),
        (Runner::Python, (3, 3..) | (4.., _)) | (Runner::Go, (4, 3..) | (5.., _)) => Some(Generation::C2),
        _ => None,
    }
}

/// Major and minor number of a tag such as `3.3.0` or `v3.3.0-alpine`.
fn release(tag: &str) -> Option<(u32, u32)> {
    let mut numbers = tag.strip_prefix('v').unwrap_or(tag).split(['.', '-', '_', '+']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

impl Manifest {
    /// The generation that the images' tags say, or else the one that `krtVersion` suggests.
    ///
    /// The entrypoint's image decides, since it fixes the streams' names, and then the nodes'. Images of C1 do with what
    /// those of C2 need, so one of C2 among them makes it C2.
    pub fn detected_generation(&self) -> Generation {
        let nodes = || self.nodes().filter_map(|node| generation_of_image(&node.image));
        let suggested = Generation::suggested_by(self.krt_version);
        let found = generation_of_image(&self.entrypoint.image).or_else(|| nodes().max()).unwrap_or(suggested);
        if found.is_c() { nodes().filter(|of_node| of_node.is_c()).fold(found, Ord::max) } else { found }
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = &crate::model::Node> {
        self.workflows.iter().flat_map(|workflow: &Workflow| &workflow.nodes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_releases_have_a_generation_wherever_the_image_is_from() {
        use Generation::{A, B, C1, C2};
        for (image, expected) in [
            ("konstellation/kre-entrypoint:1.7.1", Some(A)),
            ("konstellation/kre-entrypoint:1.8.2", Some(B)),
            ("kre-entrypoint:3.0.0", Some(C1)),
            ("mirror.example.com:5000/a/b/kre-entrypoint:3.1.0", Some(C2)),
            ("konstellation/kre-entrypoint:4.0.0", Some(C2)),
            ("konstellation/kre-entrypoint:2.0.0", None),
            ("konstellation/kre-py:2.0.0", Some(A)),
            ("konstellation/kre-py:2.1.3", Some(B)),
            ("konstellation/kre-py:3.0.0", Some(C1)),
            ("konstellation/kre-py:v3.2.1-alpine", Some(C1)),
            ("konstellation/kre-py:3.3.0", Some(C2)),
            ("kai.test/kre-go:2.0.1", Some(A)),
            ("kai.test/kre-go:2.1.0", Some(B)),
            ("kai.test/kre-go:3.0.0", None),
            ("kai.test/kre-go:4.2.0", Some(C1)),
            ("kai.test/kre-go:4.3.0", Some(C2)),
            ("konstellation/kre-py:latest", None),
            ("konstellation/kre-py:3", None),
            ("konstellation/kre-py", None),
            ("konstellation/my-kre-py:3.3.0", None),
            ("example/greeter:1.2.3", None),
        ] {
            assert_eq!(generation_of_image(image), expected, "{image}");
        }
    }
}
