use reloadable as _;
