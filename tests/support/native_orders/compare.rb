# The order of RubyGems.
STDIN.each_line(chomp: true) do |line|
  a, b = line.split("\t", -1)
  begin
    puts "<=>"[(Gem::Version.new(a) <=> Gem::Version.new(b)) + 1]
  rescue ArgumentError
    puts "?"
  end
end
