/// What of a tool's home the image types start from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HomeFolder {
    /// Whether the folder `public_html` exists.
    pub public_html: bool,
    /// Whether the file `.lighttpd.conf` exists.
    pub lighttpd_conf: bool,
    /// Whether the folder `www/python/src` exists.
    pub python_source: bool,
    /// What the file `www/js/package.json` holds, where it exists.
    pub package_json: Option<String>,
}
