<?php
// The order of Composer: its normal forms, compared by its Comparator; `!` where it has none.
require $argv[1];
use Composer\Semver\Comparator;
use Composer\Semver\VersionParser;

$parser = new VersionParser();
while (($line = fgets(STDIN)) !== false) {
    [$a, $b] = explode("\t", rtrim($line, "\n"), 2);
    try {
        [$a, $b] = [$parser->normalize($a), $parser->normalize($b)];
        if (Comparator::equalTo($a, $b)) {
            echo "=\n";
        } elseif (Comparator::lessThan($a, $b)) {
            echo "<\n";
        } else {
            echo Comparator::greaterThan($a, $b) ? ">\n" : "!\n";
        }
    } catch (UnexpectedValueException $refused) {
        echo "?\n";
    }
}
